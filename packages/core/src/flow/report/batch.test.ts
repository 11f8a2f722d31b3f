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

it("waits as long as its oldest update may, whatever came after it, and not when it was quiet before", () => {
  const batch = new ProgressBatch(terms);
  expect(batch.dueInMs(0)).toBe(Infinity);
  batch.add(10, undefined, undefined, 1_000);
  expect(batch.dueInMs(1_000)).toBe(0);
  batch.take(1, at(1_000), nothing);
  expect(batch.isEmpty).toBe(true);
  expect(batch.dueInMs(1_000)).toBe(Infinity);
  batch.add(20, undefined, undefined, 1_050);
  batch.add(30, undefined, undefined, 1_200);
  expect(batch.dueInMs(1_200)).toBe(intervalMs - 150);
});

it("is due at once when a stage is new, and not when it is said again", () => {
  const batch = new ProgressBatch(terms);
  batch.add(10, undefined, { stage: "read" }, 0);
  batch.take(1, at(0), nothing);
  batch.add(11, undefined, { stage: "read" }, 100);
  expect(batch.dueInMs(100)).toBe(intervalMs);
  batch.add(12, undefined, { stage: "write" }, 110);
  expect(batch.dueInMs(110)).toBe(0);
  expect(batch.take(1, at(110), nothing).body).toMatchObject({ percentage: 12, stage: "write" });
  batch.add(13, undefined, undefined, 200);
  expect(batch.take(1, at(200), nothing).body).toMatchObject({ percentage: 13, stage: "write" });
});

it("tells how many updates it has no room for, and their metadata", () => {
  const batch = new ProgressBatch({ ...terms, batching: { ...DEFAULT_BATCHING, maxUpdates: 2 } });
  for (const [n, metadata] of [{ a: 1 }, { b: 2 }, undefined, { c: 4 }].entries()) batch.add(n + 1, undefined, metadata, n);
  const updates = [{ percentage: 3 }, { percentage: 4, metadata: { c: 4 } }];
  expect(batch.take(1, at(10), nothing).body).toEqual({
    type: "progress",
    percentage: 4,
    attempt: 1,
    metadata: { a: 1, b: 2, c: 4 },
    updates,
    omitted: 2,
  });
  batch.add(5, undefined, undefined, 20);
  expect(batch.take(1, at(20), nothing).body).toEqual({ type: "progress", percentage: 5, attempt: 1 });
});

it("says when an update was made where that is long ago, whatever the wall clock did meanwhile", () => {
  const batch = new ProgressBatch(terms);
  for (const ms of [500, 1_000, 1_001]) batch.add(1, undefined, undefined, ms);
  const { body } = batch.take(1, { at: 2_000, timestamp: 7_000 }, nothing);
  expect(body).toMatchObject({ updates: [{ timestamp: 5_500 }, { timestamp: 6_000 }, { percentage: 1 }] });
  expect(body).not.toHaveProperty("updates.2.timestamp");
});

it("ends at 100, with what the newest update said, and once", () => {
  const batch = new ProgressBatch(terms);
  batch.add(40, "nearly", { rows: 4 }, 10);
  batch.complete(20);
  const { body } = batch.take(1, at(20), nothing);
  const said = { message: "nearly", metadata: { rows: 4 } };
  const updates = [
    { percentage: 40, ...said },
    { percentage: 100, ...said },
  ];
  expect(body).toMatchObject({ type: "progress", percentage: 100, ...said, updates });
  batch.complete(30);
  expect(batch.isEmpty).toBe(true);
  batch.add(100, undefined, undefined, 40);
  batch.complete(40);
  expect(batch.take(1, at(40), nothing).body).toEqual({ type: "progress", percentage: 100, attempt: 1 });
});

it("says 100 of a run that has reported less and nothing since", () => {
  const batch = new ProgressBatch(terms);
  batch.add(40, "nearly", undefined, 10);
  batch.take(1, at(10), nothing);
  batch.complete(20);
  expect(batch.take(1, at(20), nothing).body).toMatchObject({ percentage: 100, message: "nearly" });
});

it("a resumed run goes at the pace of what it has done itself", () => {
  const eta = (isResumed: boolean) => {
    const batch = new ProgressBatch({ ...terms, isResumed });
    batch.add(80, undefined, undefined, 10_000);
    batch.take(1, at(10_000), nothing);
    batch.add(85, undefined, undefined, 20_000);
    return (batch.take(1, at(20_000), nothing).body as { eta?: { p50_ms: number } }).eta?.p50_ms;
  };
  // 85 in 20 s, or 5 in 10 s.
  expect(eta(false)).toBeLessThan(5_000);
  expect(eta(true)).toBeGreaterThan(20_000);
});

it("tells which part of its time such a run has behind it, where the handler wants that", () => {
  // A tenth of the time up to 80 %, and the rest above.
  const course = Array.from({ length: 22 }, (_, bin) => (bin <= 16 ? bin / 160 : Math.min(1, 0.1 + ((bin - 16) / 4) * 0.9)));
  const batch = new ProgressBatch({ ...terms, percentages: "time", course });
  batch.add(40, undefined, undefined, 500);
  batch.add(80, undefined, undefined, 1_000);
  const { body } = batch.take(1, at(1_000), nothing);
  expect(body).toMatchObject({ percentage: 10, updates: [{ percentage: 5 }, { percentage: 10 }], eta: { p50_ms: 9_000, p90_ms: 18_000 } });
  batch.complete(9_000);
  expect(batch.take(1, at(9_000), nothing).body).toMatchObject({ percentage: 100 });
});

it("its percentages stay as reported by default, and its times go by the course all the same", () => {
  const course = Array.from({ length: 22 }, (_, bin) => (bin <= 16 ? bin / 160 : Math.min(1, 0.1 + ((bin - 16) / 4) * 0.9)));
  const batch = new ProgressBatch({ ...terms, course, lateBy: 1.5 });
  expect(batch.timeSpent(10)).toBeUndefined();
  batch.add(80, undefined, undefined, 1_000);
  expect(batch.take(1, at(1_000), nothing).body).toMatchObject({ percentage: 80, eta: { p50_ms: 9_000, p90_ms: 13_500 } });
  const spent = batch.timeSpent(10_000)!;
  expect([spent[0], spent[16]]).toEqual([1_000, 9_000]);
});
