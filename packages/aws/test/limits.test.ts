/** Counts and slots that outlive the processes that made them, under traffic that never ends (P14). */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { BOB, created, submission, terms } from "@streamer/contract/samples";
import { createHarness, startCloud, type AwsHarness, type Cloud } from "./harness.ts";

let cloud: Cloud;
let harness: AwsHarness;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.stop());
beforeEach(async () => {
  harness = await createHarness(cloud);
});
afterEach(() => harness.dispose());

const CAPS = { total: 2 };
const run = (pk: string, attempt = 1) => ({ pk, attempt, action: "work", tenant: "acme" });

it("P14 a slot whose request ended as its process died is free again, however many others come and go", async () => {
  const { engine, clock } = harness;
  const { limits, requests } = engine;
  // It ended, and its process died before it gave up the slot.
  await limits.takeSlots(run(submission("dead").key), CAPS);
  let taken = 0;
  for (let minute = 0; minute < 4; minute += 1) {
    for (let n = 0; n < 4; n += 1) {
      await created(engine, `r${minute}-${n}`);
      const [claim] = await requests.claim(terms(1, { concurrency: { work: CAPS } }));
      const other = await limits.takeSlots(run(submission("other").key), CAPS);
      if ("taken" in other) taken += 1;
      await limits.freeSlots(run(submission("other").key), "taken" in other ? other.taken : []);
      await requests.settle(claim!.lease, { status: "COMPLETED", events: [], runMs: 1 });
      await clock.advance(20_000);
    }
  }
  expect(taken).toBeGreaterThan(0);
});

it("P14 a slot that is taken before its request is written as running is not taken away", async () => {
  const { limits } = harness.engine;
  await limits.takeSlots(run("a"), { total: 1 });
  // Every refusal looks for slots to be freed.
  for (let n = 0; n < 5; n += 1) expect(await limits.takeSlots(run("b"), { total: 1 })).toEqual({ busy: "total" });
  await harness.clock.advance(61_000);
  // The same request takes it anew: it is no longer suspected.
  expect(await limits.takeSlots(run("a"), { total: 1 })).toMatchObject({ taken: [expect.any(String)] });
  expect(await limits.takeSlots(run("b"), { total: 1 })).toEqual({ busy: "total" });
});

it("P14 a slot that is freed late is the one of the attempt that is over, and not of the next", async () => {
  const { limits } = harness.engine;
  const caps = { total: 1, perTenant: 1 };
  const first = await limits.takeSlots(run("a"), caps);
  // The next attempt waits for no slot: its own is not given up yet.
  expect(await limits.takeSlots(run("a", 2), caps)).toEqual(first);
  await limits.freeSlots(run("a"), "taken" in first ? first.taken : []);
  expect(await limits.takeSlots(run("b"), caps)).toEqual({ busy: "total" });
  await limits.freeSlots(run("a", 2), "taken" in first ? first.taken : []);
  expect(await limits.takeSlots(run("b"), caps)).toEqual(first);
});

it("P14 an attempt that is taken over holds one slot, not two", async () => {
  const { limits } = harness.engine;
  await limits.takeSlots(run("a"), CAPS);
  await limits.takeSlots(run("a", 2), CAPS);
  expect(await limits.takeSlots(run("b"), CAPS)).toMatchObject({ taken: [expect.any(String)] });
  expect(await limits.takeSlots(run("c"), CAPS)).toEqual({ busy: "total" });
});

const waiting = { tenant: "acme", user: "alice", action: "work", priority: 5, due: true };

it("P14 a tenant's count that a death left behind refuses nobody for longer than a minute", async () => {
  const { limits } = harness.engine;
  const caps = { queued: 100, queuedPerTenant: 2, queuedPerUser: 1_000_000 };
  await created(harness.engine, "r1");
  // Counted, and its process died before it was written.
  await limits.enter(waiting, caps);
  expect(await limits.enter(waiting, caps)).toEqual({ outcome: "refused", limit: "queuedPerTenant" });
  await harness.clock.advance(61_000);
  expect(await limits.enter(waiting, caps)).toMatchObject({ outcome: "entered" });
  // One waits, and one is about to.
  expect(await limits.enter(waiting, caps)).toEqual({ outcome: "refused", limit: "queuedPerTenant" });
});

it("P14 so is a user's", async () => {
  const { limits } = harness.engine;
  const caps = { queued: 100, queuedPerTenant: 100, queuedPerUser: 2 };
  await created(harness.engine, "r1");
  await created(harness.engine, "r1", { owner: BOB });
  // Counted, and its process died before it was written.
  await limits.enter(waiting, caps);
  expect(await limits.enter(waiting, caps)).toEqual({ outcome: "refused", limit: "queuedPerUser" });
  await harness.clock.advance(61_000);
  expect(await limits.enter(waiting, caps)).toMatchObject({ outcome: "entered" });
  expect(await limits.enter(waiting, caps)).toEqual({ outcome: "refused", limit: "queuedPerUser" });
  expect(await limits.enter({ ...waiting, user: BOB.userId }, caps)).toMatchObject({ outcome: "entered" });
  expect(await limits.enter({ ...waiting, user: BOB.userId }, caps)).toEqual({ outcome: "refused", limit: "queuedPerUser" });
});

it("P14 what was accepted once counts against the limit, wherever it is counted", async () => {
  const { limits } = harness.engine;
  const entries = [];
  for (let n = 0; n < 4; n += 1) entries.push(await limits.enter(waiting));
  for (const entry of entries.slice(0, 3)) if (entry.outcome === "entered") await limits.leave({ ...waiting, counted: entry.counted });
  const caps = { queued: 3, queuedPerTenant: 100, queuedPerUser: 1_000_000 };
  const outcomes = [];
  for (let n = 0; n < 3; n += 1) outcomes.push((await limits.enter(waiting, caps)).outcome);
  expect(outcomes).toEqual(["entered", "entered", "refused"]);
});
