/** How much may be stored for a user and a tenant, until it is forgotten (P14). */
import type { Submission } from "@streamer/core";
import { expect } from "vitest";
import type { ContractTest } from "../harness.ts";
import {
  ALICE,
  BOB,
  COMPLETED,
  DAY_MS,
  EVE,
  FAILED,
  UNLIMITED,
  complete,
  created,
  partial,
  record,
  running,
  submission,
} from "../samples.ts";

const TEXT = "x".repeat(10_000);
const limited = (more: Partial<Submission["limits"]>): Pick<Submission, "limits" | "payload" | "retentionMs"> => ({
  payload: TEXT,
  limits: { ...UNLIMITED, ...more },
  retentionMs: DAY_MS,
});
/** Two such payloads find room, a third does not. */
const TWO = 30_000;

export function storageContract(test: ContractTest): void {
  test("P14 what one user may store is bounded, and leaves room to colleagues and other tenants", async ({ engine }) => {
    const { requests } = engine;
    const mine = limited({ storedBytesPerUser: TWO });
    await created(engine, "r1", mine);
    await created(engine, "r2", mine);
    const refused = await requests.submit(submission("r3", mine));
    expect(refused).toMatchObject({ outcome: "full", limit: "storedBytesPerUser", bytes: expect.any(Number) });
    expect((refused as { readonly bytes: number }).bytes).toBeGreaterThan(20_000);
    expect(await requests.get(submission("r3").key)).toEqual({ outcome: "unknown" });
    // P4 goes first: a repeat needs no room.
    expect(await requests.submit(submission("r1", mine))).toMatchObject({ outcome: "existing" });
    await created(engine, "r3", { ...mine, owner: BOB });
    await created(engine, "r3", { ...mine, owner: EVE });
    expect(await requests.full(BOB, mine.limits)).toBeUndefined();
    expect(await requests.full(ALICE, { ...mine.limits, storedBytesPerUser: 20_000 })).toMatchObject({ outcome: "full" });
  });

  test("P14 submits at once never store more than the limit together", async ({ engine }) => {
    const mine = limited({ storedBytesPerUser: 60_000 });
    const outcomes = await Promise.all(Array.from({ length: 12 }, (_, n) => engine.requests.submit(submission(`r${n}`, mine))));
    expect(outcomes.filter(({ outcome }) => outcome === "created")).toHaveLength(5);
    expect(outcomes.filter(({ outcome }) => outcome === "full")).toHaveLength(7);
    // What was refused has taken no room.
    expect(await engine.requests.full(ALICE, { ...mine.limits, storedBytesPerUser: 56_000 })).toBeUndefined();
  });

  test("P14 P4 a repeat takes no room of what comes after it", async ({ engine }) => {
    const mine = limited({ storedBytesPerUser: TWO });
    await created(engine, "r1", mine);
    for (let n = 0; n < 4; n += 1) expect(await engine.requests.submit(submission("r1", mine))).toMatchObject({ outcome: "existing" });
    await created(engine, "r2", mine);
  });

  test("P14 what a tenant may store is bounded, whoever of it stores it", async ({ engine }) => {
    const ours = limited({ storedBytesPerTenant: TWO });
    await created(engine, "r1", ours);
    await created(engine, "r2", { ...ours, owner: BOB });
    expect(await engine.requests.submit(submission("r3", ours))).toMatchObject({ outcome: "full", limit: "storedBytesPerTenant" });
    await created(engine, "r3", { ...ours, owner: EVE });
  });

  test("P14 events, checkpoints and results count, and what is forgotten makes room", async ({ engine, clock }) => {
    const { requests } = engine;
    const mine = limited({ storedBytesPerUser: 45_000 });
    const isFull = async () => (await requests.full(ALICE, { ...mine.limits, storedBytesPerUser: 40_000 })) !== undefined;
    const { lease } = await running(engine, "r1", mine);
    await requests.advance(lease, { events: [partial(0, TEXT)], checkpoint: TEXT, leaseMs: 30_000 });
    expect(await isFull()).toBe(false);
    // In place of the one before it.
    await requests.advance(lease, { events: [], checkpoint: `${TEXT}y`, leaseMs: 30_000 });
    expect(await isFull()).toBe(false);
    await requests.advance(lease, { events: [partial(1, TEXT)], leaseMs: 30_000 });
    expect(await isFull()).toBe(true);
    // The checkpoint goes, the result comes.
    await requests.settle(lease, { ...COMPLETED, events: [complete(TEXT)] });
    expect(await isFull()).toBe(true);
    const { endedAt } = await record(engine, lease.key);
    const refused = await requests.submit(submission("r2", mine));
    expect(refused).toMatchObject({ outcome: "full", roomAt: expect.any(Number) });
    const { roomAt } = refused as { readonly roomAt: number };
    expect(Math.abs(roomAt - (endedAt! + DAY_MS))).toBeLessThan(10);
    await clock.advance(DAY_MS + 1_000);
    expect(await requests.purge(10, async () => {})).toBe(1);
    expect(await isFull()).toBe(false);
    await created(engine, "r2", mine);
  });

  test("P14 what is stored counts after a restart, too", async (harness) => {
    const mine = limited({ storedBytesPerUser: TWO });
    await created(harness.engine, "r1", mine);
    const { lease } = await running(harness.engine, "r2", mine);
    await harness.engine.requests.settle(lease, FAILED);
    await harness.restart();
    expect(await harness.engine.requests.submit(submission("r3", mine))).toMatchObject({ outcome: "full" });
    await created(harness.engine, "r3", { ...mine, owner: BOB });
  });

  test("P14 a dead letter is not retried where nothing more may be stored", async ({ engine }) => {
    const { lease } = await running(engine, "r1", limited({}));
    await engine.requests.settle(lease, FAILED);
    const acknowledgment = { type: "acknowledgment", status: "queued", message: "again" } as const;
    const retry = (storedBytesPerUser: number) =>
      engine.requests.redrive(lease.key, acknowledgment, { limits: { ...UNLIMITED, storedBytesPerUser }, permissions: [] });
    expect(await retry(10_000)).toMatchObject({ outcome: "full", limit: "storedBytesPerUser" });
    expect(await record(engine, lease.key)).toMatchObject({ status: "FAILED" });
    expect(await retry(20_000)).toMatchObject({ outcome: "redriven" });
  });
}
