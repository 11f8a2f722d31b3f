import fc from "fast-check";
import { expect, it } from "vitest";
import { courseOf, lateness, noTimeSpent, partsOf, spend, timeShare } from "./course.ts";
import { noDurations, recordParts } from "./durations.ts";

const spentOf = (...spans: readonly (readonly [percentage: number, ms: number])[]) => {
  const spent = noTimeSpent();
  for (const [percentage, ms] of spans) spend(spent, percentage, ms);
  return spent;
};
const learned = (runs: number, ...spans: readonly (readonly [number, number])[]) => {
  const durations = noDurations();
  for (let run = 0; run < runs; run += 1) recordParts(durations, partsOf(spentOf(...spans))!);
  return courseOf(durations);
};

it("says nothing before five runs, and the percentage itself is the share of time until then", () => {
  expect(learned(4, [0, 10], [50, 10])).toBeUndefined();
  expect(timeShare(undefined, 40)).toBe(0.4);
});

it("knows where the time of runs went", () => {
  // A tenth of the time up to 80 %, the rest at 80 % and above it.
  const course = learned(5, [0, 100], [80, 900]);
  expect(timeShare(course, 0)).toBe(0);
  expect(timeShare(course, 60)).toBeCloseTo(0.1);
  expect(timeShare(course, 80)).toBeCloseTo(0.1);
  expect(timeShare(course, 82.5)).toBeCloseTo(0.55);
  expect(timeShare(course, 99)).toBeCloseTo(1);
  expect(timeShare(course, 100)).toBe(1);
});

it("says how late a run was at half its time, by what was known when it began", () => {
  // At half its time it stood at 82.5 %: as much was left as was over, and a fifth of it was told.
  const spent = spentOf([0, 0], [80, 1_000]);
  const even = Array.from({ length: 22 }, (_, bin) => Math.min(1, bin / 20));
  expect(lateness(spent, even)).toBeCloseTo(0.825 / 0.175);
  expect(lateness(spent, learned(5, [80, 1_000])!)).toBeCloseTo(1);
  expect(lateness(spentOf([100, 5]), even)).toBe(1_000);
  expect(lateness(noTimeSpent(), even)).toBeCloseTo(1);
  expect(partsOf(noTimeSpent())).toBeUndefined();
  expect(courseOf({ ...noDurations(), count: 9 })).toBeUndefined();
});

it("never goes back as the percentage grows, and stays from 0 to 1", () => {
  const spans = fc.array(fc.tuple(fc.double({ min: 0, max: 100, noNaN: true }), fc.double({ min: 0, max: 1e9, noNaN: true })), {
    minLength: 1,
  });
  const percent = fc.double({ min: 0, max: 100, noNaN: true });
  fc.assert(
    fc.property(spans, percent, percent, (given, a, b) => {
      const spent = spentOf(...given);
      const parts = partsOf(spent);
      const durations = noDurations();
      for (let run = 0; parts && run < 5; run += 1) recordParts(durations, parts);
      const course = courseOf(durations);
      const [first, second] = [timeShare(course, Math.min(a, b)), timeShare(course, Math.max(a, b))];
      expect(first).toBeGreaterThanOrEqual(0);
      expect(second).toBeGreaterThanOrEqual(first);
      expect(second).toBeLessThanOrEqual(1);
      expect(course ? lateness(spent, course) : 0).toBeGreaterThanOrEqual(0);
    }),
  );
});
