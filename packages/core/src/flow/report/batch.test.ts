import { expect, it } from "vitest";
import { DEFAULT_BATCHING } from "../../rules/batching.ts";
import { ProgressBatch, type BatchTerms } from "./batch.ts";

const terms: BatchTerms = {
  batching: DEFAULT_BATCHING,
  startedAt: 0,
  isResumed: false,
  percentages: "work",
  course: undefined,
  lateBy: undefined,
};

const at = (ms: number) => ({ at: ms, timestamp: 1_000_000 + ms });
const nothing = () => undefined;
const { intervalMs } = DEFAULT_BATCHING;

it("waits as long as its oldest update may, whatever came after it", () => {
  const batch = new ProgressBatch(terms);
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
  const batch = new ProgressBatch(terms);
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
  const batch = new ProgressBatch(terms);
  batch.add(40, "nearly", { rows: 4 }, at(10));
  batch.complete(at(20));
  const { body } = batch.take(1, 20, nothing);
  expect(body).toMatchObject({ type: "progress", percentage: 100, message: "nearly", metadata: { rows: 4 } });
  batch.complete(at(30));
  expect(batch.isEmpty).toBe(true);
});

it("says 100 of a run that has reported less and nothing since", () => {
  const batch = new ProgressBatch(terms);
  batch.add(40, "nearly", undefined, at(10));
  batch.take(1, 10, nothing);
  batch.complete(at(20));
  expect(batch.take(1, 20, nothing).body).toMatchObject({ percentage: 100, message: "nearly" });
});

it("a resumed run goes at the pace of what it has done itself", () => {
  const eta = (isResumed: boolean) => {
    const batch = new ProgressBatch({ ...terms, isResumed });
    batch.add(80, undefined, undefined, at(1_000));
    batch.take(1, 1_000, nothing);
    batch.add(85, undefined, undefined, at(2_000));
    return (batch.take(1, 2_000, nothing).body as { eta?: { p50_ms: number } }).eta?.p50_ms;
  };
  // 85 in 2 s, or 5 in 1 s.
  expect(eta(false)).toBeLessThan(500);
  expect(eta(true)).toBeGreaterThan(2_000);
});

it("tells which part of its time such a run has behind it, where the handler wants that", () => {
  // A tenth of the time up to 80 %, and the rest above.
  const course = Array.from({ length: 22 }, (_, bin) => (bin <= 16 ? bin / 160 : Math.min(1, 0.1 + ((bin - 16) / 4) * 0.9)));
  const batch = new ProgressBatch({ ...terms, percentages: "time", course });
  batch.add(40, undefined, undefined, at(500));
  batch.add(80, undefined, undefined, at(1_000));
  const { body } = batch.take(1, 1_000, nothing);
  expect(body).toMatchObject({ percentage: 10, updates: [{ percentage: 5 }, { percentage: 10 }], eta: { p50_ms: 9_000, p90_ms: 18_000 } });
  batch.complete(at(9_000));
  expect(batch.take(1, 9_000, nothing).body).toMatchObject({ percentage: 100 });
});

it("its percentages stay as reported by default, and its times go by the course all the same", () => {
  const course = Array.from({ length: 22 }, (_, bin) => (bin <= 16 ? bin / 160 : Math.min(1, 0.1 + ((bin - 16) / 4) * 0.9)));
  const batch = new ProgressBatch({ ...terms, course, lateBy: 1.5 });
  expect(batch.timeSpent(10)).toBeUndefined();
  batch.add(80, undefined, undefined, at(1_000));
  expect(batch.take(1, 1_000, nothing).body).toMatchObject({ percentage: 80, eta: { p50_ms: 9_000, p90_ms: 13_500 } });
  const spent = batch.timeSpent(10_000)!;
  expect([spent[0], spent[16]]).toEqual([1_000, 9_000]);
});
