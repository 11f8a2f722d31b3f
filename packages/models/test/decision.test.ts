/** Thresholds for what was asked, decisions by them, and the widths of intervals. */
import { describe, expect, it } from "vitest";
import { chooseThreshold, decide } from "../src/calibration/decision.ts";
import { fitIntervals, halfWidthAt } from "../src/calibration/intervals.ts";
import { balancedLogLoss, brierLoss, brierScore, logLoss } from "../src/metrics/probabilities.ts";
import { averagePrecision, averagePrecisionOneVsRest } from "../src/metrics/ranking.ts";
import { seededRandom } from "../src/random.ts";

const scores = Float64Array.of(0.9, 0.8, 0.6, 0.5, 0.3, 0.1);
const positive = [1, 0, 1, 0, 1, 0];

describe("a threshold is chosen", () => {
  it.each([
    [{ measure: "f1" }, { threshold: 0.2, precision: 0.6, recall: 1 }],
    [{ recall: 0.5 }, { threshold: 0.55, precision: 2 / 3, recall: 2 / 3 }],
    [{ recall: 0.6 }, { threshold: 0.2, precision: 0.6, recall: 1 }],
    [{ precision: 1 }, { threshold: 0.85, precision: 1, recall: 1 / 3 }],
    [{ cost: { falsePositive: 1, falseNegative: 0 } }, { threshold: 1, precision: 0, recall: 0 }],
    [{ cost: { falsePositive: 1, falseNegative: 100 } }, { threshold: 0.2, precision: 0.6, recall: 1 }],
  ] as const)("for %j", (goal, wanted) => {
    const chosen = chooseThreshold(positive, scores, goal)!;
    expect(chosen.threshold).toBeCloseTo(wanted.threshold, 1);
    expect([chosen.precision, chosen.recall]).toEqual([wanted.precision, wanted.recall]);
  });

  it("but not without a positive row", () => expect(chooseThreshold([0, 0], Float64Array.of(0.1, 0.2), { recall: 0.5 })).toBeUndefined());
});

it("decides by the most probable, by a threshold, and by the shares of classes", () => {
  const two = Float64Array.of(0.9, 0.1, 0.97, 0.03);
  expect([...decide(two, 2, { by: "most_probable" })]).toEqual([0, 0]);
  expect([...decide(two, 2, { by: "threshold", positive: 1, threshold: 0.05 })]).toEqual([1, 0]);
  expect([...decide(two, 2, { by: "threshold", positive: 0, threshold: 0.95 })]).toEqual([1, 0]);
  const three = Float64Array.of(0.8, 0.15, 0.05, 0.9, 0.06, 0.04);
  expect([...decide(three, 3, { by: "shares", shares: [0.9, 0.1, 0] })]).toEqual([1, 0]);
});

it("losses over classes: of two the Brier score of either, of three scikit-learn's; a rare class counts as much as a common one", () => {
  const two = Float64Array.of(0.7, 0.3, 0.2, 0.8, 0.6, 0.4);
  expect(brierLoss(Int32Array.of(0, 1, 1), two, 2)).toBeCloseTo(brierScore([0, 1, 1], Float64Array.of(0.3, 0.8, 0.4)), 12);
  // numpy: ((p - onehot) ** 2).sum(axis=1).mean(), and mean of average_precision_score over the classes
  const three = Float64Array.of(0.5, 0.3, 0.2, 0.1, 0.6, 0.3, 0.3, 0.3, 0.4, 0.2, 0.5, 0.3);
  const truth = Int32Array.of(0, 1, 2, 2);
  expect(brierLoss(truth, three, 3)).toBeCloseTo(0.49, 12);
  expect(averagePrecisionOneVsRest(truth, three, 3)).toBeCloseTo(
    (1 + 1 + averagePrecision([0, 0, 1, 1], Float64Array.of(0.2, 0.3, 0.4, 0.3))) / 3,
    12,
  );
  const lopsided = Float64Array.of(0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.9, 0.1);
  expect(balancedLogLoss(Int32Array.of(0, 0, 0, 1), lopsided, 2)).toBeCloseTo(-(Math.log(0.9) + Math.log(0.1)) / 2, 9);
  expect(logLoss(Int32Array.of(0, 0, 0, 1), lopsided, 2)).toBeCloseTo(-(3 * Math.log(0.9) + Math.log(0.1)) / 4, 9);
});

describe("intervals", () => {
  it("few rows have one width: the conformal quantile", () => {
    const band = fitIntervals(
      Float64Array.from({ length: 19 }, (_, at) => at + 1),
      new Float64Array(19),
      0.9,
    );
    expect(halfWidthAt(band, 123)).toBe(18);
  });

  it("many have a width that follows the prediction, level beyond the ends", () => {
    const random = seededRandom(2);
    const predicted = Float64Array.from({ length: 4_000 }, () => 1 + 9 * random());
    const truth = predicted.map((value) => value + value * (2 * random() - 1));
    const band = fitIntervals(truth, predicted, 0.9);
    for (const at of [2.5, 5, 8]) expect(halfWidthAt(band, at) / at).toBeCloseTo(0.9, 1);
    expect(halfWidthAt(band, 99)).toBe(band.halfWidths.at(-1));
  });

  it("rows without any error have an interval of next to nothing", () => {
    const same = Float64Array.from({ length: 500 }, (_, at) => at);
    expect(halfWidthAt(fitIntervals(same, same, 0.9), 100)).toBeLessThan(1e-100);
  });
});
