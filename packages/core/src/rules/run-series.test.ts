import { describe, expect, it } from "vitest";
import { noDurations, record } from "./durations.ts";
import { asCalibration, asRatio, calibrationOf, fromRatios, isRunSeries, ratioSeries, sizeSeries } from "./run-series.ts";

describe("the series of a run", () => {
  it("are named by the class of its size, or of what was declared", () => {
    expect([0, 7, 12].map(sizeSeries)).toEqual(["size_0", "size_7", "size_12"]);
    expect([0, 1, 2, 3, 1_000].map(ratioSeries)).toEqual(["ratio_0", "ratio_1", "ratio_1", "ratio_2", "ratio_9"]);
    // Asked for again they are the same.
    expect([sizeSeries(7), ratioSeries(1_000)]).toEqual(["size_7", "ratio_9"]);
  });

  it("are told from names that are none", () => {
    expect(["size_0", "size_12", "ratio_3", "ratio_10", "within_p90"].filter(isRunSeries)).toHaveLength(5);
    const odd = ["size_", "size_x", "size_-", "xsize_1", "size_1x", "ratio_", "ratio_x", "xratio_1", "within_p90x", "xwithin_p90", ""];
    expect(odd.filter(isRunSeries)).toEqual([]);
  });

  it("hold how much longer than declared it took, and say so of another", () => {
    const ratio = asRatio(2_010, 1_000);
    expect(ratio).toBeCloseTo(2_000_000);
    expect(fromRatios({ p50Ms: ratio, p90Ms: 2 * ratio }, 1_000)).toEqual({ p50Ms: 2_010, p90Ms: 4_030 });
    expect(fromRatios({ p50Ms: 1, p90Ms: 1 }, 0)).toEqual({ p50Ms: 0, p90Ms: 0 });
  });

  it("know which part of the runs kept to what was told", () => {
    expect(calibrationOf(undefined)).toBeUndefined();
    expect(calibrationOf(noDurations())).toBeUndefined();
    const within = noDurations();
    for (const isWithin of [true, true, true, false]) record(within, asCalibration(isWithin));
    expect(calibrationOf(within)!.runs).toBe(4);
    expect(calibrationOf(within)!.withinP90).toBeCloseTo(0.75, 1);
  });
});
