/** Calibrated probabilities: they come true as often as they say, keep their order, and sum to 1. */
import { describe, expect, it } from "vitest";
import { brierScore, calibrationError, logLoss } from "../src/metrics/probabilities.ts";
import { columnOf, rocAuc } from "../src/metrics/ranking.ts";
import { calibrate } from "../src/calibration/calibration.ts";
import { fitIsotonic, isotonicAt } from "../src/calibration/isotonic.ts";
import type { Matrix } from "../src/matrix.ts";
import type { Classifier, Labels } from "../src/model.ts";
import { fitPlatt, plattAt } from "../src/calibration/platt.ts";
import { seededRandom } from "../src/random.ts";

/** Says what its columns hold: one probability a class. */
const spoken = (classCount: number): Classifier => ({
  kind: "classifier",
  classCount,
  predictProbabilities: ({ rowCount, columns }) =>
    Float64Array.from({ length: rowCount * classCount }, (_, at) => columns[at % classCount]![Math.floor(at / classCount)]!),
  importances: () => undefined,
  toJSON: () => ({ model: "spoken" }),
});

interface Overconfident {
  readonly x: Matrix;
  readonly labels: Labels;
}

/** The truth follows p, the model says p pushed towards 0 and 1: its logit three times too large. */
function overconfident(rowCount: number, seed: number): Overconfident {
  const random = seededRandom(seed);
  const truth = Float64Array.from({ length: rowCount }, () => random());
  const said = truth.map((p) => p ** 3 / (p ** 3 + (1 - p) ** 3));
  const codes = Int32Array.from(truth, (p) => (random() < p ? 1 : 0));
  return { x: { rowCount, names: ["no", "yes"], columns: [said.map((p) => 1 - p), said] }, labels: { codes, classCount: 2 } };
}

describe.each(["platt", "isotonic"] as const)("calibration by %s of an overconfident model", (method) => {
  const seen = overconfident(4_000, 1);
  const unseen = overconfident(4_000, 2);
  const model = spoken(2);
  const calibrated = calibrate(model, model.predictProbabilities(seen.x), seen.labels, method);
  const before = model.predictProbabilities(unseen.x);
  const after = calibrated.predictProbabilities(unseen.x);

  it("lowers calibration error, Brier score and log loss on rows it has not seen", () => {
    const { codes } = unseen.labels;
    expect(calibrationError(codes, columnOf(before, 1, 2))).toBeGreaterThan(0.08);
    expect(calibrationError(codes, columnOf(after, 1, 2))).toBeLessThan(0.03);
    expect(brierScore(codes, columnOf(after, 1, 2))).toBeLessThan(brierScore(codes, columnOf(before, 1, 2)) - 0.005);
    expect(logLoss(codes, after, 2)).toBeLessThan(logLoss(codes, before, 2) - 0.05);
  });

  it("keeps the order and sums to 1", () => {
    const { codes } = unseen.labels;
    expect(rocAuc(codes, columnOf(after, 1, 2))).toBeGreaterThan(rocAuc(codes, columnOf(before, 1, 2)) - 0.003);
    for (let row = 0; row < 100; row += 1) expect(after[2 * row]! + after[2 * row + 1]!).toBeCloseTo(1, 12);
  });

  it("several classes: a curve each, and the row sums to 1", () => {
    const random = seededRandom(4);
    const codes = Int32Array.from({ length: 900 }, (_, row) => row % 3);
    const columns = [0, 1, 2].map((code) => Float64Array.from(codes, (own) => (own === code ? 0.5 : 0.25) * (0.5 + random())));
    const x: Matrix = { rowCount: 900, names: ["a", "b", "c"], columns };
    const three = calibrate(spoken(3), spoken(3).predictProbabilities(x), { codes, classCount: 3 }, method).predictProbabilities(x);
    for (let row = 0; row < 900; row += 1) expect(three[3 * row]! + three[3 * row + 1]! + three[3 * row + 2]!).toBeCloseTo(1, 12);
  });
});

describe("isotonic regression", () => {
  it("pools neighbours that fall: 1 3 2 4 becomes 1 2.5 2.5 4", () => {
    const curve = fitIsotonic(Float64Array.of(1, 2, 3, 4), [1, 3, 2, 4]);
    expect([1, 2, 3, 4].map((at) => isotonicAt(curve, at))).toEqual([1, 2.5, 2.5, 4]);
  });

  it("is level beyond its ends and straight between its corners", () => {
    const curve = fitIsotonic(Float64Array.of(0, 1), [0, 1]);
    expect([-1, 0.25, 2].map((at) => isotonicAt(curve, at))).toEqual([0, 0.25, 1]);
  });

  it("takes rows of equal score together, in any order", () => {
    const curve = fitIsotonic(Float64Array.of(0.5, 0.1, 0.5, 0.9), [1, 0, 0, 1]);
    expect([0.1, 0.5, 0.9].map((at) => isotonicAt(curve, at))).toEqual([0, 0.5, 1]);
  });
});

describe("Platt scaling", () => {
  it("finds the slope of a third that undoes a logit three times too large", () => {
    const { x, labels } = overconfident(20_000, 3);
    const { slope, intercept } = fitPlatt(x.columns[1]!, labels.codes);
    expect(slope).toBeCloseTo(1 / 3, 1);
    expect(intercept).toBeCloseTo(0, 1);
  });

  it("few rows in perfect order do not ask for certainty", () => {
    const curve = fitPlatt(Float64Array.of(0.1, 0.2, 0.8, 0.9), [0, 0, 1, 1]);
    expect(plattAt(curve, 0.9)).toBeLessThan(0.99);
    expect(plattAt(curve, 0.9)).toBeGreaterThan(plattAt(curve, 0.1));
  });
});
