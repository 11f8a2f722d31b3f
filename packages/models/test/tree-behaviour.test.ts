/** What trees do beyond fitting well: missing values, weights, importances, early stopping, exact thresholds. */
import { describe, expect, it } from "vitest";
import { mostProbable } from "../src/metrics/classification.ts";
import { logLoss } from "../src/metrics/probabilities.ts";
import { fitBoostingClassifier, fitBoostingRegressor } from "../src/trees/boosting.ts";
import { fitForestClassifier, fitForestRegressor } from "../src/trees/forest.ts";
import { takeRows, type Matrix } from "../src/matrix.ts";
import type { Classifier, Labels } from "../src/model.ts";
import { seededRandom } from "../src/random.ts";
import { fitContext } from "./data-sets.ts";
import { randomBlobs } from "./made-data.ts";

const matrix = (columns: Readonly<Record<string, ArrayLike<number>>>): Matrix => ({
  rowCount: Object.values(columns)[0]!.length,
  names: Object.keys(columns),
  columns: Object.values(columns).map((values) => Float64Array.from(values)),
});

const numbers = (count: number, value: (row: number) => number): Float64Array =>
  Float64Array.from({ length: count }, (_, row) => value(row));

describe("boosting takes missing values as they come", () => {
  it("a value that is missing where the answer is 1 is all it needs", async () => {
    const random = seededRandom(1);
    const codes = Int32Array.from({ length: 400 }, (_, row) => row % 2);
    const x = matrix({ noise: numbers(400, random), gap: numbers(400, (row) => (codes[row] === 1 ? Number.NaN : random())) });
    const model = await fitBoostingClassifier(x, { codes, classCount: 2 }, {}, fitContext(1));
    expect(mostProbable(model.predictProbabilities(x), 2)).toEqual(codes);
    expect(model.importances()![1]).toBeGreaterThan(0.99);
  });

  it("missing rows go to the side they resemble", async () => {
    const target = numbers(300, (row) => (row < 100 ? 0 : 10));
    // Rows from 200 on have no value and the answer of the high side.
    const x = matrix({ v: numbers(300, (row) => (row < 200 ? row : Number.NaN)) });
    const model = await fitBoostingRegressor(x, target, { rounds: 200 }, fitContext(1));
    const [low, high, missing] = model.predict(matrix({ v: [5, 150, Number.NaN] }));
    expect(low).toBeCloseTo(0, 3);
    expect(high).toBeCloseTo(10, 3);
    expect(missing).toBeCloseTo(10, 3);
  });

  it("where training knew no gap, a later one goes with the majority", async () => {
    const x = matrix({ v: numbers(300, (row) => row) });
    const model = await fitBoostingRegressor(
      x,
      numbers(300, (row) => (row < 250 ? 1 : 5)),
      { rounds: 200 },
      fitContext(1),
    );
    expect(model.predict(matrix({ v: [Number.NaN] }))[0]).toBeCloseTo(1, 3);
  });

  it("a forest says which column and row it cannot use", async () => {
    const x = matrix({ a: [1, 2, 3], b: [1, Number.NaN, 3] });
    await expect(fitForestRegressor(x, Float64Array.of(1, 2, 3), {}, fitContext(1))).rejects.toThrow(
      'Column "b" has NaN in row 1; fill or drop it first.',
    );
  });
});

describe("a weight of two is a row twice", () => {
  const data = randomBlobs(200, 2);
  const doubled = Int32Array.from([...data.labels.codes.keys(), ...data.labels.codes.keys()].filter((row, at) => at < 200 || row < 100));
  const rowWeights = numbers(200, (row) => (row < 100 ? 2 : 1));

  it("boosting", async () => {
    const options = { rounds: 10, minLeafRows: 1 };
    const weighted = await fitBoostingRegressor(data.x, data.target, { ...options, rowWeights }, fitContext(1));
    const target = Float64Array.from(doubled, (row) => data.target[row]!);
    const twice = await fitBoostingRegressor(takeRows(data.x, doubled), target, options, fitContext(1));
    const [a, b] = [weighted.predict(data.x), twice.predict(data.x)];
    expect(Math.max(...a.map((value, row) => Math.abs(value - b[row]!)))).toBeLessThan(1e-9);
  });

  it("balanced classes lift the rare one", async () => {
    const rare: Labels = { classCount: 2, codes: Int32Array.from({ length: 200 }, (_, row) => (row % 20 === 0 ? 1 : 0)) };
    const share = (model: Classifier): number => model.predictProbabilities(data.x).reduce((t, p, at) => t + (at % 2) * p, 0) / 200;
    const boosted = (classWeights?: "balanced") => fitBoostingClassifier(data.x, rare, { rounds: 5, classWeights }, fitContext(1));
    const grown = (classWeights?: "balanced") => fitForestClassifier(data.x, rare, { minLeafRows: 20, classWeights }, fitContext(1));
    for (const fit of [boosted, grown]) expect(share(await fit("balanced"))).toBeGreaterThan(2 * share(await fit()));
  });
});

describe("importances name the columns that matter", () => {
  it.each([
    ["forest", fitForestRegressor],
    ["boosting", fitBoostingRegressor],
  ] as const)("%s: the target is c0 - 2 c1", async (_, fit) => {
    const { x, target } = randomBlobs(500, 3);
    const importances = (await fit(x, target, {}, fitContext(1))).importances()!;
    expect(importances.reduce((total, value) => total + value, 0)).toBeCloseTo(1, 10);
    expect(importances.indexOf(Math.max(...importances))).toBe(1);
    expect(importances[2]! + importances[3]!).toBeLessThan(0.3);
  });
});

describe("early stopping", () => {
  it("keeps the best round on noisy labels and beats going on", async () => {
    const { x, labels } = randomBlobs(600, 2);
    const random = seededRandom(3);
    const noisy = { classCount: 2, codes: labels.codes.map((code) => (random() < 0.3 ? 1 - code : code)) };
    const trees = (model: { toJSON(): unknown }): number => JSON.stringify(model.toJSON()).length;
    const options = { rounds: 300 };
    const full = await fitBoostingClassifier(x, noisy, options, fitContext(1));
    const stopped = await fitBoostingClassifier(
      x,
      noisy,
      { ...options, earlyStopping: { validationShare: 0.2, patience: 10 } },
      fitContext(1),
    );
    expect(trees(stopped)).toBeLessThan(trees(full) / 3);
    const unseen = randomBlobs(600, 2, 99);
    const loss = (model: typeof full): number => logLoss(unseen.labels.codes, model.predictProbabilities(unseen.x), 2);
    expect(loss(stopped)).toBeLessThan(loss(full));
  });
});

describe("a forest of one deep tree on all rows learns them by heart", () => {
  it("values that differ in the last bit are told apart", async () => {
    const one = 1;
    const next = 1 + Number.EPSILON;
    const x = matrix({ v: numbers(64, (row) => (row % 2 === 0 ? one : next)), w: numbers(64, () => 3) });
    const target = numbers(64, (row) => row % 2);
    const model = await fitForestRegressor(x, target, { trees: 30 }, fitContext(1));
    expect([...model.predict(matrix({ v: [one, next], w: [3, 3] }))]).toEqual([0, 1]);
  });

  it("more distinct values than ranks there are: neighbours share one", async () => {
    const count = 70_000;
    const x = matrix({ v: numbers(count, (row) => row) });
    const model = await fitForestRegressor(
      x,
      numbers(count, (row) => (row < 30_000 ? 0 : 1)),
      { trees: 2, minLeafRows: 50 },
      fitContext(1),
    );
    expect([...model.predict(matrix({ v: [29_900, 30_100] }))]).toEqual([0, 1]);
  });

  it("one-hot columns and their complement in one table", async () => {
    const codes = Int32Array.from({ length: 300 }, (_, row) => row % 3);
    const on = (code: number): Float64Array => numbers(300, (row) => (codes[row] === code ? 1 : 0));
    const x = matrix({ a: on(0), b: on(1), c: on(2), notA: on(0).map((value) => 1 - value) });
    for (const fit of [fitForestClassifier, fitBoostingClassifier]) {
      const model = await fit(x, { codes, classCount: 3 }, {}, fitContext(1));
      expect(mostProbable(model.predictProbabilities(x), 3)).toEqual(codes);
    }
  });

  it("columns that never vary leave one leaf: the mean", async () => {
    const x = matrix({ a: [1, 1, 1, 1], b: [2, 2, 2, 2] });
    for (const fit of [fitForestRegressor, fitBoostingRegressor]) {
      const model = await fit(x, Float64Array.of(4, 4, 4, 4), {}, fitContext(1));
      expect([...model.predict(x)]).toEqual([4, 4, 4, 4]);
    }
  });
});
