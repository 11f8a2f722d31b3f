/** That the soak can tell growth from noise. */
import { createRandom } from "@streamer/contract/random";
import { expect, it } from "vitest";
import { counted, judgeGrowth, trendOf, type Sample } from "./growth.ts";

const MINUTE = 1 / 60;
/** One sample every 2 s; `grows` per hour, each with noise of its own. */
function samplesOf(minutes: number, grows: Partial<Record<"heapMiB" | "descriptors" | "unexplainedFiles", number>>): readonly Sample[] {
  const random = createRandom(minutes);
  return Array.from({ length: 30 * minutes }, (_, at) => {
    const hours = (at * MINUTE) / 30;
    return {
      hours,
      heapMiB: 20 + (grows.heapMiB ?? 0) * hours + random() * 0.5,
      descriptors: 30 + Math.round((grows.descriptors ?? 0) * hours + random() * 2),
      unexplainedFiles: 8 + Math.round((grows.unexplainedFiles ?? 0) * hours + random() * 2),
    };
  });
}

it("a line without noise has its slope and no error", () => {
  const { slope, error } = trendOf([0, 1, 2, 3].map((x) => ({ x, y: 5 + 2 * x })));
  expect(slope).toBeCloseTo(2);
  expect(error).toBeCloseTo(0);
});

it("the first third does not count", () => {
  expect(counted(samplesOf(3, {}))).toHaveLength(60);
});

it.for([3, 60])("what is flat for %i minutes is not called growth", (minutes) => {
  expect(judgeGrowth(counted(samplesOf(minutes, {})))).toEqual([]);
});

it.for([
  [3, { heapMiB: 100 }, /^the heap grows/],
  [60, { heapMiB: 4 }, /^the heap grows/],
  [3, { descriptors: 600 }, /^descriptors went/],
  [60, { descriptors: 20 }, /^descriptors went/],
  [3, { unexplainedFiles: 600 }, /^files that no request/],
] as const)("in %i minutes %o an hour is seen", ([minutes, grows, told]) => {
  expect(judgeGrowth(counted(samplesOf(minutes, grows)))).toEqual([expect.stringMatching(told)]);
});
