import { expect, it } from "vitest";
import { DEFAULT_OPTIONS, type AdmissionLimits } from "../../options.ts";
import type { Connection } from "../../ports/connections.ts";
import { createRates } from "./rates.ts";

const of = (userId: string, connectionId: string): Connection => ({
  connectionId,
  owner: { tenantId: "t", userId },
  permissions: [],
  connectedAt: 0,
});
const rates = (limits: Partial<AdmissionLimits>, messageBytes = 1) =>
  createRates({ ...DEFAULT_OPTIONS.admission, ...limits }, messageBytes);

it("P14 takes from all rates or from none", () => {
  const { take } = rates({ messagesPerSecond: 1, bytesPerSecond: 100 }, 1);
  const ann = of("ann", "c1");
  expect(take(ann, 150, 0)).toBeUndefined();
  // Over its bytes, it has not cost a message.
  expect(take(ann, 100, 0)).toEqual({ limit: "100 bytes a second", afterMs: 500 });
  expect(take(ann, 50, 0)).toBeUndefined();
  expect(take(ann, 0, 0)).toEqual({ limit: "1 messages a second", afterMs: 1_000 });
});

it("P14 the largest message passes whatever the rate, and is paid for afterwards", () => {
  const { take } = rates({ bytesPerSecond: 10, bytesPerSecondPerUser: 10 }, 1_000);
  expect(take(of("ann", "c1"), 1_000, 0)).toBeUndefined();
  expect(take(of("ann", "c1"), 10, 0)).toMatchObject({ afterMs: 1_000 });
  expect(take(of("ann", "c1"), 1_000, 99_000)).toMatchObject({ afterMs: 1_000 });
  expect(take(of("ann", "c1"), 1_000, 100_001)).toBeUndefined();
});

it("P14 a user that comes again finds what it left, among however many others", () => {
  const { take, forget } = rates({ messagesPerSecond: 5, messagesPerSecondPerUser: 1 });
  for (const connectionId of ["a", "b"]) expect(take(of("eve", connectionId), 0, 0)).toBeUndefined();
  forget("a");
  forget("b");
  for (let n = 0; n < 5_000; n += 1) take(of(`user ${n}`, `c${n}`), 0, 0);
  expect(take(of("eve", "c"), 0, 0)).toMatchObject({ limit: "1 messages a second over all connections of yours" });
  for (let n = 0; n < 50_000; n += 1) take(of(`later ${n}`, `l${n}`), 0, 1_000 + n);
  expect(take(of("eve", "c"), 0, 60_000)).toBeUndefined();
});

it("P12 counts refusals of a connection by themselves", () => {
  const { isAbuse, forget } = rates({ refusalsPerMinute: 2 });
  const ann = of("ann", "c1");
  expect([isAbuse(ann, 0), isAbuse(ann, 0), isAbuse(ann, 0)]).toEqual([false, false, true]);
  expect(isAbuse(ann, 30_000)).toBe(false);
  forget("c1");
  expect(isAbuse(ann, 30_000)).toBe(false);
});

it("P14 answers are charged to a connection and to its user, and owed until they are paid for", () => {
  const { charge, owed, take } = rates({ bytesPerSecond: 100, bytesPerSecondPerUser: 200 });
  const ann = of("ann", "c1");
  expect(owed(ann, 0)).toBeUndefined();
  charge(ann, 500, 0);
  expect(owed(ann, 0)).toEqual({ limit: "100 bytes a second", afterMs: 3_000 });
  expect(owed(of("ann", "c2"), 0)).toMatchObject({ limit: "200 bytes a second over all connections of yours", afterMs: 500 });
  expect(owed(of("bob", "c3"), 0)).toBeUndefined();
  expect(take(ann, 10, 1_000)).toMatchObject({ afterMs: 2_100 });
  expect(owed(ann, 3_000)).toBeUndefined();
});
