/** Files count for whoever they are stored for, in the transaction that knows of them (P14). */
import { ALICE, BOB, COMPLETED, DAY_MS, UNLIMITED, running, submission } from "@streamer/contract/samples";
import { blobPrefix } from "@streamer/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createHarness } from "./harness.ts";

let harness: Awaited<ReturnType<typeof createHarness>>;
beforeEach(async () => {
  harness = await createHarness();
});
afterEach(() => harness.dispose());

const FILE = "x".repeat(10_000);
/** What is stored for a user, found by asking. */
async function stored(owner = ALICE): Promise<number> {
  let [low, high] = [0, 1_000_000];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const full = await harness.engine.requests.full(owner, { ...UNLIMITED, storedBytesPerUser: middle });
    if (full) low = middle + 1;
    else high = middle;
  }
  return low;
}

it("P14 a file counts once under its name, until it is removed or its request is forgotten", async () => {
  const { engine, clock } = harness;
  const { lease } = await running(engine, "r1", { retentionMs: DAY_MS });
  const before = await stored();
  const key = `${blobPrefix(lease.key)}a.txt`;
  await engine.blobs.put(key, FILE);
  expect((await stored()) - before).toBe(14_096);
  await engine.blobs.put(key, FILE.slice(0, 5_000));
  expect((await stored()) - before).toBe(9_096);
  await engine.blobs.removeAll(key);
  expect(await stored()).toBe(before);
  await engine.blobs.put(key, FILE);
  await engine.requests.settle(lease, COMPLETED);
  await harness.restart();
  expect((await stored()) - before).toBeGreaterThan(14_096);
  expect(await stored(BOB)).toBe(0);
  await clock.advance(DAY_MS + 1_000);
  await harness.engine.requests.purge(10, (gone) => harness.engine.blobs.removeAll(blobPrefix(gone)));
  expect(await stored()).toBe(0);
  expect(await harness.engine.requests.get(submission("r1").key)).toEqual({ outcome: "expired" });
});
