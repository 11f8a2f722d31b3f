/** Metrics where there is nothing to measure, and orders that must not matter. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classificationScores, confusionMatrix, mostProbable } from "../../src/metrics/classification.ts";
import { adjustedRand, clusterShape, silhouette } from "../../src/metrics/clustering.ts";
import { averagePrecision, flagHighest, flagScores, rocAuc, rocAucOneVsRest } from "../../src/metrics/ranking.ts";
import { regressionScores } from "../../src/metrics/regression.ts";
import type { Matrix } from "../../src/matrix.ts";

const line = (...values: readonly number[]): Matrix => ({ rowCount: values.length, names: ["v"], columns: [Float64Array.from(values)] });

describe("classes", () => {
  it("a class that neither occurs nor is predicted is left out of the averages", () => {
    const confusion = confusionMatrix(Int32Array.of(0, 1), Int32Array.of(0, 1), 3);
    expect(classificationScores(confusion).macro).toEqual({ precision: 1, recall: 1, f1: 1 });
  });

  it("of equal probabilities the first class is taken", () => {
    expect([...mostProbable(Float64Array.of(0.5, 0.5, 0.2, 0.8), 2)]).toEqual([0, 1]);
  });
});

describe("rankings", () => {
  it("one class only has no order: NaN", () => {
    expect(rocAuc([1, 1], Float64Array.of(0.1, 0.2))).toBeNaN();
    expect(averagePrecision([0, 0], Float64Array.of(0.1, 0.2))).toBeNaN();
    expect(rocAucOneVsRest(Int32Array.of(0, 0), Float64Array.of(1, 0, 1, 0), 2)).toBeNaN();
  });

  it("ROC-AUC is the share of pairs in the right order, ties half", () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 5 })), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(rows, (pairs) => {
        const trues = pairs.filter(([truth]) => truth === 1);
        const falses = pairs.filter(([truth]) => truth === 0);
        fc.pre(trues.length > 0 && falses.length > 0);
        let right = 0;
        for (const [, high] of trues) for (const [, low] of falses) right += high > low ? 1 : high === low ? 0.5 : 0;
        const area = rocAuc(
          pairs.map(([truth]) => truth),
          Float64Array.from(pairs, ([, score]) => score),
        );
        expect(area).toBeCloseTo(right / (trues.length * falses.length), 12);
      }),
    );
  });

  it("flags exactly the n highest, of equals the earlier", () => {
    expect([...flagHighest(Float64Array.of(1, 3, 2, 3, 2), 3)]).toEqual([0, 1, 1, 1, 0]);
    expect([...flagHighest(Float64Array.of(1, 2), 0)]).toEqual([0, 0]);
    expect(flagScores([0, 0], Int32Array.of(1, 0))).toEqual({ precision: 0, recall: 0, f1: 0 });
  });
});

describe("numbers", () => {
  it("a constant target: R² is 1 if every row is right, otherwise 0", () => {
    expect(regressionScores(Float64Array.of(2, 2), Float64Array.of(2, 2)).r2).toBe(1);
    expect(regressionScores(Float64Array.of(2, 2), Float64Array.of(2, 3)).r2).toBe(0);
  });
});

describe("clusters", () => {
  const { signal } = new AbortController();
  it("one cluster, or one for each row, has no shape: NaN", async () => {
    for (const codes of [Int32Array.of(0, 0, 0), Int32Array.of(0, 1, 2)]) {
      expect(await silhouette(line(1, 2, 3), codes, signal)).toBeNaN();
      expect(clusterShape(line(1, 2, 3), codes).daviesBouldin).toBeNaN();
    }
  });

  it("the names of groups do not matter to their agreement", () => {
    expect(adjustedRand(Int32Array.of(0, 0, 1, 1), Int32Array.of(7, 7, 3, 3))).toBe(1);
    expect(adjustedRand(Int32Array.of(0, 0, 1, 1), Int32Array.of(0, 1, 0, 1))).toBeLessThan(0);
  });

  it("a silhouette is stopped by the signal", async () => {
    const x = line(...Array.from({ length: 20_000 }, (_, row) => row));
    const codes = Int32Array.from({ length: 20_000 }, (_, row) => row % 2);
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("enough")), 30);
    await expect(silhouette(x, codes, stop.signal)).rejects.toThrow("enough");
  });
});
