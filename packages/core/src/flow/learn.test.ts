import { createManualClock } from "@streamer/contract/clock";
import { expect, it } from "vitest";
import type { RunSeries, RunTimes } from "../ports/run-times.ts";
import { append, noDurations, type Durations } from "../rules/durations.ts";
import { noTimeSpent, spend, timeShare } from "../rules/course.ts";
import { createEstimates } from "./learn.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

function memory(): RunTimes {
  const actions = new Map<string, Map<RunSeries, Durations>>();
  return {
    of: (action) => Promise.resolve(new Map(actions.get(action))),
    add(action, newer) {
      const stored = actions.get(action) ?? new Map<RunSeries, Durations>();
      actions.set(action, stored);
      for (const [name, durations] of newer) {
        const all = stored.get(name) ?? noDurations();
        append(all, durations);
        stored.set(name, all);
      }
      return Promise.resolve();
    },
  };
}

const handlers = new Map([
  ["constant", { estimate: 1_000 }],
  ["by_input", { estimate: () => 1 }],
  ["silent", {}],
]);
const set = (runTimes: RunTimes = memory(), clock = createManualClock(), random = () => 0) =>
  createEstimates({ engine: { runTimes, clock, log: silent }, handlers, random });
const kind = (action: string, declaredMs: number | undefined, size = 3) => ({ action, size, declaredMs });
/** A run that reported nothing. */
const took = (runMs: number) => ({ runMs, spent: undefined });
const about = (ms: number) => ({ asymmetricMatch: (value: number) => Math.abs(value - ms) <= 0.06 * ms + 1 });

it("says what is declared until runs are recorded, and nothing when nothing is known", async () => {
  const estimates = set();
  expect(await estimates.of(kind("by_input", 70))).toEqual({ p50Ms: 70, p90Ms: 70 });
  expect(await estimates.of(kind("constant", 1_000))).toEqual({ p50Ms: 1_000, p90Ms: 1_000 });
  expect(await estimates.of(kind("silent", undefined))).toBeUndefined();
  expect(estimates.known(kind("by_input", 70), 70)).toBeUndefined();
  expect(estimates.known(kind("by_input", 0))).toEqual({ p50Ms: 0, p90Ms: 0 });
});

it("goes by the ratio where an estimate is computed, by times of the size where it is constant or absent", () => {
  const estimates = set();
  for (let n = 0; n < 10; n += 1) {
    estimates.record(kind("by_input", 4_000), took(8_000));
    estimates.record(kind("constant", 1_000), took(8_000));
    estimates.record(kind("silent", undefined), took(8_000));
  }
  expect(estimates.known(kind("by_input", 4_000))).toEqual({ p50Ms: about(8_000), p90Ms: about(8_000) });
  expect(estimates.known(kind("by_input", 500))).toEqual({ p50Ms: about(1_000), p90Ms: about(1_000) });
  expect(estimates.known(kind("by_input", 500), 900)).toBeDefined();
  expect(estimates.known(kind("by_input", 500), 2_000)).toBeUndefined();
  for (const same of [kind("constant", 1_000), kind("silent", undefined), kind("silent", undefined, 9)]) {
    expect(estimates.known(same)).toEqual({ p50Ms: about(8_000), p90Ms: about(8_000) });
  }
  // Where the author's function failed, runs of the size are all that is known.
  expect(estimates.known(kind("by_input", undefined))).toEqual({ p50Ms: about(8_000), p90Ms: about(8_000) });
});

it("does not take what a tiny job costs beside its work for the pace of a large one", () => {
  const estimates = set();
  for (let n = 0; n < 20; n += 1) estimates.record(kind("by_input", 0), took(12));
  expect(estimates.known(kind("by_input", 0))!.p50Ms).toBeGreaterThan(10);
  expect(estimates.known(kind("by_input", 0))!.p50Ms).toBeLessThan(14);
  for (let n = 0; n < 20; n += 1) estimates.record(kind("by_input", 9_000), took(9_000));
  expect(estimates.known(kind("by_input", 8_500))).toEqual({ p50Ms: about(8_500), p90Ms: about(8_500) });
});

it("tells which share of the newest runs ended within the p90 they were told, and remembers it", async () => {
  const runTimes = memory();
  const estimates = set(runTimes);
  expect(await estimates.calibration("by_input")).toBeUndefined();
  // Nobody was told anything of this one.
  estimates.record(estimates.begin(kind("silent", undefined)), took(50));
  expect(await estimates.calibration("silent")).toBeUndefined();
  for (let n = 0; n < 200; n += 1) estimates.record({ ...kind("by_input", 100), toldP90Ms: 100 }, took(n % 4 === 0 ? 101 : 100));
  const { withinP90, runs } = (await estimates.calibration("by_input"))!;
  expect(runs).toBe(200);
  expect(Math.abs(withinP90 - 0.75)).toBeLessThan(0.05);
  await estimates.save();
  const later = (await set(runTimes).calibration("by_input"))!;
  expect(later.runs).toBe(200);
  expect(later.withinP90).toBeCloseTo(withinP90, 2);
  const begun = estimates.begin(kind("constant", 1_000));
  expect(begun.toldP90Ms).toBe(1_000);
  estimates.record(begun, took(1_000));
  expect(await estimates.calibration("constant")).toEqual({ withinP90: 1, runs: 1 });
});

it("reads what other processes have learned once a minute, also when it could not be read before", async () => {
  const runTimes = memory();
  const clock = createManualClock();
  let isDown = true;
  const reads: number[] = [];
  const of: RunTimes["of"] = (action) => {
    reads.push(clock.monotonic());
    return isDown ? Promise.reject(new Error("the store is down")) : runTimes.of(action);
  };
  const estimates = set({ ...runTimes, of }, clock);
  const begun = clock.monotonic();
  const one = kind("silent", undefined);
  expect(await estimates.of(one)).toBeUndefined();
  isDown = false;
  const other = set(runTimes, clock);
  for (let n = 0; n < 20; n += 1) other.record(one, took(500));
  await other.save();
  await clock.advance(59_999);
  expect(estimates.known(one)).toBeUndefined();
  await clock.advance(1);
  estimates.known(one);
  await estimates.idle();
  expect(estimates.known(one)).toEqual({ p50Ms: about(500), p90Ms: about(500) });
  expect(reads).toEqual([begun, begun + 60_000]);
});

it("stores the first runs at once, later ones by chance, and none within a second of the last", async () => {
  const clock = createManualClock();
  const stored: number[] = [];
  const add: RunTimes["add"] = (_, newer) => {
    stored.push(Array.from(newer.values(), ({ count }) => count).reduce((sum, count) => sum + count, 0));
    return Promise.resolve();
  };
  const estimates = set({ ...memory(), add }, clock, () => 0.5);
  const one = kind("silent", undefined);
  await estimates.of(one);
  const run = async (afterMs: number): Promise<void> => {
    await clock.advance(afterMs);
    estimates.record(one, took(100));
    await estimates.idle();
  };
  await run(0);
  expect(stored).toEqual([1]);
  await run(999);
  expect(stored).toEqual([1]);
  await run(1);
  expect(stored).toEqual([1, 2]);
  // With one chance in two at sixteen runs; at half a chance the fifteenth is the last.
  for (let n = 4; n <= 30; n += 1) await run(1_000);
  expect(stored).toEqual([1, 2, ...Array.from({ length: 12 }, () => 1)]);
  await estimates.save();
  expect(stored.at(-1)).toBe(15);
  await estimates.save();
  expect(stored).toHaveLength(15);
});

it("speaks for other sizes by what it knows now", async () => {
  const estimates = set();
  for (let n = 0; n < 20; n += 1) estimates.record(kind("silent", undefined, 3), took(100));
  expect(estimates.known(kind("silent", undefined, 9))!.p50Ms).toEqual(about(100));
  for (let n = 0; n < 200; n += 1) estimates.record(kind("silent", undefined, 3), took(5_000));
  expect(estimates.known(kind("silent", undefined, 9))!.p50Ms).toEqual(about(5_000));
});

it("takes no ratio for a time, nor a time for a ratio, where it speaks for other sizes", () => {
  const estimates = set();
  for (let n = 0; n < 20; n += 1) estimates.record(kind("by_input", 10_000, 3), took(20_000));
  expect(estimates.known(kind("by_input", undefined, 9))!.p50Ms).toEqual(about(20_000));
  expect(estimates.known(kind("by_input", 600_000, 9))!.p50Ms).toEqual(about(1_200_000));
});

it("learns where the time of runs goes by percentage, and how late they are, for each kind and for all together", async () => {
  const runTimes = memory();
  const estimates = set(runTimes);
  const run = () => {
    const spent = noTimeSpent();
    spend(spent, 0, 100);
    spend(spent, 80, 900);
    return { runMs: 1_000, spent };
  };
  const one = kind("by_input", 1_000);
  expect(estimates.pace(one)).toEqual({});
  for (let n = 0; n < 5; n += 1) estimates.record(estimates.begin(one), run());
  const { course, lateBy } = estimates.pace(one);
  expect(timeShare(course, 80)).toBeCloseTo(0.1);
  expect(lateBy).toBeUndefined();
  for (let n = 0; n < 5; n += 1) estimates.record(estimates.begin(one), { ...run(), course });
  expect(estimates.pace(one).lateBy).toBeCloseTo(1, 1);
  expect(timeShare(estimates.pace(kind("by_input", 1_000_000)).course, 80)).toBeCloseTo(0.1);
  // A run that took no time says nothing.
  estimates.record(estimates.begin(one), { runMs: 0, spent: noTimeSpent() });
  expect(estimates.pace(kind("silent", undefined))).toEqual({});
  await estimates.save();
  expect(Array.from((await runTimes.of("by_input")).keys()).toSorted()).toEqual(["course_9", "late_9", "ratio_9", "size_3", "within_p90"]);
  // Another process goes by what was stored.
  expect(timeShare((await afterReading(set(runTimes), one)).course, 80)).toBeCloseTo(0.1);
});

async function afterReading(estimates: ReturnType<typeof set>, one: ReturnType<typeof kind>) {
  await estimates.of(one);
  return estimates.pace(one);
}
