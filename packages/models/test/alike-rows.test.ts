/** Rows that are equal: they are one place for clusters and neighbours, and a sample may lack a cluster. */
import { expect, it } from "vitest";
import { countDistinctPoints } from "../src/distances/distinct-points.ts";
import { fitKMeans } from "../src/distances/k-means.ts";
import { fitLocalOutlierFactor } from "../src/distances/local-outlier-factor.ts";
import type { Matrix } from "../src/matrix.ts";
import { clusterShape, silhouette } from "../src/metrics/clustering.ts";
import { restoreModel } from "../src/restore-model.ts";
import type { AnomalyModel } from "../src/model.ts";
import { fitContext } from "./data-sets.ts";

const { signal } = new AbortController();
const matrix = (...columns: readonly (readonly number[])[]): Matrix => ({
  rowCount: columns[0]!.length,
  names: columns.map((_, at) => `c${at}`),
  columns: columns.map((values) => Float64Array.from(values)),
});
const times = (count: number, value: (at: number) => number): number[] => Array.from({ length: count }, (_, at) => value(at));

it("different points are counted, up to a number", async () => {
  const x = matrix([1, 1, 2, 2, -0, 0], [5, 5, 5, 6, 5, 5]);
  expect(await countDistinctPoints(x, 100, signal)).toBe(4);
  expect(await countDistinctPoints(x, 3, signal)).toBe(3);
});

it("k-means makes no cluster without rows where points are fewer", async () => {
  const x = matrix(times(40, (at) => at % 3));
  const model = await fitKMeans(x, { clusters: 7 }, fitContext(0));
  expect([model.clusterCount, model.centers.length, model.inertia]).toEqual([3, 3, 0]);
  expect([...model.centers].toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
});

it("a cluster that a sample lacks changes nothing of its measures", async () => {
  const x = matrix([0, 1, 10, 11], [0, 0, 0, 1]);
  const [whole, gap] = [Int32Array.of(0, 0, 1, 1), Int32Array.of(1, 1, 6, 6)];
  expect(await silhouette(x, gap, signal)).toBe(await silhouette(x, whole, signal));
  expect(clusterShape(x, gap)).toEqual(clusterShape(x, whole));
  expect(await silhouette(x, Int32Array.of(4, 4, 4, 4), signal)).toBeNaN();
});

it("the local outlier factor finds far values beside a plateau of equal ones, and flags none of the near", async () => {
  const near = [...times(30, () => 0.1), ...times(29, (at) => 0.1 + (0.1 * (at + 1)) / 30)];
  const far = [27, 44.5, 63.7, 81.3, 95.9];
  const x = matrix([...near, ...far]);
  const model = await fitLocalOutlierFactor(x, {}, fitContext(0));
  const scores = model.score(x);
  expect(Math.min(...scores.slice(near.length))).toBeGreaterThan(10 * Math.max(...scores.slice(0, near.length)));
  expect((restoreModel(model.toJSON()) as AnomalyModel).score(x)).toEqual(scores);
});

it("two values half and half are equally usual; one other among a thousand equal ones is not", async () => {
  const coin = matrix(times(200, (at) => at % 2));
  expect(new Set((await fitLocalOutlierFactor(coin, {}, fitContext(0))).score(coin))).toEqual(new Set([1]));
  const lone = matrix([...times(1_000, () => 4), 5]);
  const sampled = await fitLocalOutlierFactor(lone, { maxReferenceRows: 50 }, fitContext(0));
  expect(Number.isFinite(sampled.score(lone)[1_000]!)).toBe(true);
});
