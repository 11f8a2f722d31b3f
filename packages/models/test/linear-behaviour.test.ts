/** Linear models and components at their edges: weights, collinear columns, separable classes, the fixture of PCA. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { eigenSymmetric } from "../src/linear/eigen.ts";
import { fitLogistic } from "../src/linear/logistic.ts";
import { takeRows, type Matrix } from "../src/matrix.ts";
import { paced } from "../src/pacing.ts";
import { fitPrincipalComponents } from "../src/linear/principal-components.ts";
import { fitRidge } from "../src/linear/ridge.ts";
import { fitContext } from "./data-sets.ts";
import { randomBlobs } from "./made-data.ts";

const FIXTURES = new URL("../../../fixtures/data/metric-fixtures/metric_fixtures.json", import.meta.url);
const largestGap = (a: Float64Array, b: Float64Array): number => a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at]!)), 0);

describe("ridge regression", () => {
  it("solves the normal equations: the penalised error's slope is 0 in every direction", async () => {
    const { x, target } = randomBlobs(300, 3);
    const model = await fitRidge(x, target, { alpha: 7 }, fitContext(0));
    const error = (weights: Float64Array): number => {
      const predicted = x.columns.reduce(
        (sum, values, at) => sum.map((s, row) => s + weights[at]! * values[row]!),
        new Float64Array(300).fill(weights[4]!),
      );
      const squares = predicted.reduce((total, value, row) => total + (value - target[row]!) ** 2, 0);
      return squares + 7 * weights.subarray(0, 4).reduce((total, weight) => total + weight ** 2, 0);
    };
    const json = String(JSON.parse(JSON.stringify(model)).parameters);
    const weights = new Float64Array(Uint8Array.from(Buffer.from(json, "base64")).buffer);
    for (let at = 0; at < 5; at += 1) {
      for (const step of [-1e-4, 1e-4]) expect(error(weights.map((w, i) => (i === at ? w + step : w)))).toBeGreaterThan(error(weights));
    }
  });

  it("a weight of two is a row twice", async () => {
    const { x, target } = randomBlobs(100, 2);
    const twice = Int32Array.from([...Array(100).keys(), ...Array(50).keys()]);
    const rowWeights = target.map((_, row) => (row < 50 ? 2 : 1));
    const weighted = await fitRidge(x, target, { rowWeights }, fitContext(0));
    const doubled = await fitRidge(
      takeRows(x, twice),
      Float64Array.from(twice, (row) => target[row]!),
      {},
      fitContext(0),
    );
    expect(largestGap(weighted.predict(x), doubled.predict(x))).toBeLessThan(1e-9);
  });

  it("without a penalty, columns that repeat each other still have an answer", async () => {
    const values = Float64Array.of(1, 2, 3, 4, 5);
    const x: Matrix = { rowCount: 5, names: ["a", "b"], columns: [values, values.map((value) => 2 * value)] };
    const model = await fitRidge(
      x,
      values.map((value) => 3 * value + 1),
      { alpha: 0 },
      fitContext(0),
    );
    expect(largestGap(model.predict(x), Float64Array.of(4, 7, 10, 13, 16))).toBeLessThan(1e-4);
  });
});

describe("logistic regression", () => {
  it("a weight of two is a row twice, for two classes and for three", async () => {
    for (const classCount of [2, 3]) {
      const { x, labels } = randomBlobs(120, classCount);
      const twice = Int32Array.from([...Array(120).keys(), ...Array(60).keys()]);
      const rowWeights = Float64Array.from(labels.codes, (_, row) => (row < 60 ? 2 : 1));
      const weighted = await fitLogistic(x, labels, { rowWeights }, fitContext(0));
      const doubled = await fitLogistic(
        takeRows(x, twice),
        { classCount, codes: twice.map((row) => labels.codes[row]!) },
        {},
        fitContext(0),
      );
      expect(largestGap(weighted.predictProbabilities(x), doubled.predictProbabilities(x))).toBeLessThan(1e-4);
    }
  });

  it("two classes as three with one that never occurs: the same order of rows", async () => {
    const { x, labels } = randomBlobs(200, 2);
    const probabilities = (await fitLogistic(x, { ...labels, classCount: 3 }, {}, fitContext(0))).predictProbabilities(x);
    expect(probabilities.filter((_, at) => at % 3 === 2).every((p) => p < 0.05)).toBe(true);
  });

  it("classes that a line parts do not send it to infinity", async () => {
    const x: Matrix = { rowCount: 4, names: ["v"], columns: [Float64Array.of(-2, -1, 1, 2)] };
    const model = await fitLogistic(x, { codes: Int32Array.of(0, 0, 1, 1), classCount: 2 }, {}, fitContext(0));
    const second = model.predictProbabilities(x).filter((_, at) => at % 2 === 1);
    expect(second[0]).toBeGreaterThan(0.01);
    expect(second[3]).toBeLessThan(0.99);
    expect([...second]).toEqual([...second].sort((a, b) => a - b));
  });

  it("says which column and row it cannot use", async () => {
    const x: Matrix = { rowCount: 2, names: ["ok", "bad"], columns: [Float64Array.of(1, 2), Float64Array.of(1, Infinity)] };
    const fit = fitLogistic(x, { codes: Int32Array.of(0, 1), classCount: 2 }, {}, fitContext(0));
    await expect(fit).rejects.toThrow('Column "bad" has Infinity in row 1; fill or drop it first.');
  });
});

describe("principal components", () => {
  it("eigenvectors are orthogonal and give the matrix back", async () => {
    const size = 12;
    const matrix = new Float64Array(size * size);
    for (let row = 0; row < size; row += 1)
      for (let column = 0; column < size; column += 1) matrix[row * size + column] = Math.cos(row * column) + Math.cos(column * row);
    const { values, vectors } = await paced(eigenSymmetric(matrix, size), new AbortController().signal);
    const again = matrix.map((_, at) => {
      const [row, column] = [Math.floor(at / size), at % size];
      return values.reduce((total, value, k) => total + value * vectors[k * size + row]! * vectors[k * size + column]!, 0);
    });
    expect(largestGap(again, matrix)).toBeLessThan(1e-10);
    expect([...values]).toEqual([...values].sort((a, b) => b - a));
  });

  it("keeps the variance it says it keeps", async () => {
    const { x } = randomBlobs(300, 3);
    const model = await fitPrincipalComponents(x, {}, fitContext(0));
    const variance = (values: Float64Array): number => {
      const mean = values.reduce((total, value) => total + value, 0) / values.length;
      return values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length;
    };
    const total = x.columns.reduce((sum, values) => sum + variance(values), 0);
    const ratios = model.transform(x).columns.map((values) => variance(values) / total);
    expect(largestGap(Float64Array.from(ratios), model.explainedVarianceRatios)).toBeLessThan(1e-12);
  });

  it("explains the shares of variance of the fixture", async () => {
    const { preprocessing } = JSON.parse(readFileSync(FIXTURES, "utf8")) as {
      preprocessing: { after_median: { standard: number[][]; pca_explained_variance_ratio: number[] } };
    };
    const { standard, pca_explained_variance_ratio: wanted } = preprocessing.after_median;
    const columns = standard[0]!.map((_, column) => Float64Array.from(standard, (row) => row[column]!));
    const x: Matrix = { rowCount: standard.length, names: columns.map((_, at) => `c${at}`), columns };
    const { explainedVarianceRatios } = await fitPrincipalComponents(x, {}, fitContext(0));
    expect(largestGap(explainedVarianceRatios, Float64Array.from(wanted))).toBeLessThan(1e-9);
  });
});
