import { expect, it } from "vitest";
import { DEFAULT_BATCHING } from "../../rules/batching.ts";
import { ProgressBatch } from "./batch.ts";

const at = (ms: number) => ({ at: ms, timestamp: 1_000_000 + ms });
const nothing = () => undefined;
const { intervalMs } = DEFAULT_BATCHING;

it("waits as long as its oldest update may, whatever came after it", () => {
  const batch = new ProgressBatch(DEFAULT_BATCHING, 0, false);
  expect(batch.dueInMs(0)).toBe(Infinity);
  batch.add(10, undefined, undefined, at(1_000));
  batch.add(20, undefined, undefined, at(1_150));
  expect(batch.dueInMs(1_150)).toBe(intervalMs - 150);
  batch.take(1, 1_200, nothing);
  expect(batch.isEmpty).toBe(true);
  expect(batch.dueInMs(1_200)).toBe(Infinity);
  batch.add(30, undefined, undefined, at(2_000));
  expect(batch.dueInMs(2_000)).toBe(intervalMs);
});

it("is due at once when a stage is new, and not when it is said again", () => {
  const batch = new ProgressBatch(DEFAULT_BATCHING, 0, false);
  batch.add(10, undefined, { stage: "read" }, at(0));
  expect(batch.dueInMs(0)).toBe(0);
  expect(batch.take(1, 0, nothing).body).toMatchObject({ stage: "read" });
  batch.add(11, undefined, { stage: "read" }, at(100));
  expect(batch.dueInMs(100)).toBe(intervalMs);
  expect(batch.take(1, 100, nothing).body).toMatchObject({ percentage: 11, stage: "read" });
  batch.add(12, undefined, undefined, at(200));
  expect(batch.take(1, 200, nothing).body).toMatchObject({ percentage: 12, stage: "read" });
});

it("ends at 100, with what the newest update said, and once", () => {
  const batch = new ProgressBatch(DEFAULT_BATCHING, 0, false);
  batch.add(40, "nearly", { rows: 4 }, at(10));
  batch.complete(at(20));
  const { body } = batch.take(1, 20, nothing);
  expect(body).toMatchObject({ type: "progress", percentage: 100, message: "nearly", metadata: { rows: 4 } });
  batch.complete(at(30));
  expect(batch.isEmpty).toBe(true);
});

it("says 100 of a run that has reported less and nothing since", () => {
  const batch = new ProgressBatch(DEFAULT_BATCHING, 0, false);
  batch.add(40, "nearly", undefined, at(10));
  batch.take(1, 10, nothing);
  batch.complete(at(20));
  expect(batch.take(1, 20, nothing).body).toMatchObject({ percentage: 100, message: "nearly" });
});

it("a resumed run goes at the pace of what it has done itself", () => {
  const eta = (isResumed: boolean) => {
    const batch = new ProgressBatch(DEFAULT_BATCHING, 0, isResumed);
    batch.add(80, undefined, undefined, at(1_000));
    batch.take(1, 1_000, nothing);
    batch.add(85, undefined, undefined, at(2_000));
    return (batch.take(1, 2_000, nothing).body as { eta?: { p50_ms: number } }).eta?.p50_ms;
  };
  // 85 in 2 s, or 5 in 1 s.
  expect(eta(false)).toBeLessThan(500);
  expect(eta(true)).toBeGreaterThan(2_000);
});
