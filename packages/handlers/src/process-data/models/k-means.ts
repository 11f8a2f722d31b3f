/**
 * k-means: the best of several starts. Each start spreads its centers by greedy k-means++ (Arthur and Vassilvitskii
 * 2007: of a few candidates drawn by squared distance, the one that lowers the sum most) and then moves them until no
 * row changes sides. Hamerly's bounds (2010) spare most distances: a row is looked at again only if its center may no
 * longer be the nearest.
 */
import type { JsonObject } from "@streamer/protocol";
import { HamerlyRun } from "./hamerly.ts";
import { rowMajor, type Matrix } from "./matrix.ts";
import type { Clustering, FitContext } from "./model.ts";
import { paced, type Steps } from "./pacing.ts";
import { packNumbers, readCount, readNumber, unpackFloats } from "./packing.ts";
import { squaredDistance, type Points } from "./points.ts";
import { randomBelow } from "./random.ts";
import { assertUsable } from "./usable.ts";

export interface KMeansOptions {
  readonly clusters: number;
  /** Default 10. */
  readonly starts?: number | undefined;
  /** Default 300. */
  readonly maxIterations?: number | undefined;
}

/** Rows measured between two yields. */
const CHUNK_ROWS = 16_384;

export async function fitKMeans(x: Matrix, options: KMeansOptions, context: FitContext): Promise<Clustering> {
  const best = await paced(kMeansSteps(x, options, context), context.signal);
  return clustering(best.centers, best.inertia, options.clusters);
}

interface Solution {
  readonly centers: Float64Array;
  readonly inertia: number;
}

function* kMeansSteps(x: Matrix, options: KMeansOptions, { random, tell }: FitContext): Steps<Solution> {
  yield* assertUsable(x, "refused");
  const { clusters, starts = 10, maxIterations = 300 } = options;
  if (clusters > x.rowCount) throw new RangeError(`There are ${x.rowCount} rows for ${clusters} clusters.`);
  const points: Points = { cells: rowMajor(x), width: x.columns.length, count: x.rowCount };
  let best: Solution | undefined;
  for (let start = 0; start < starts; start += 1) {
    const run = new HamerlyRun(points, yield* spreadCenters(points, clusters, random));
    for (let iteration = 0; iteration < maxIterations; iteration += 1) {
      const moved = yield* run.step();
      tell((start + iteration / maxIterations) / starts, `Start ${start + 1} of ${starts}, iteration ${iteration + 1}`);
      if (!moved) break;
    }
    const inertia = yield* run.inertia();
    if (!best || inertia < best.inertia) best = { centers: run.centers, inertia };
    tell((start + 1) / starts, `Start ${start + 1} of ${starts}`);
  }
  return best!;
}

/** Greedy k-means++. */
function* spreadCenters(points: Points, clusters: number, random: () => number): Steps<Float64Array> {
  const { cells, width, count } = points;
  const candidates = 2 + Math.floor(Math.log(clusters));
  const centers = new Float64Array(clusters * width);
  const first = randomBelow(random, count);
  centers.set(cells.subarray(first * width, (first + 1) * width));
  let nearest: Float64Array = new Float64Array(count).fill(Infinity);
  let total = yield* lower(points, first, nearest, nearest);
  let spare: Float64Array = new Float64Array(count);
  let kept: Float64Array = new Float64Array(count);
  for (let cluster = 1; cluster < clusters; cluster += 1) {
    let [bestTotal, bestRow] = [Infinity, 0];
    for (let candidate = 0; candidate < candidates; candidate += 1) {
      const row = drawByWeight(nearest, random() * total);
      const lowered = yield* lower(points, row, nearest, spare);
      if (lowered >= bestTotal) continue;
      [bestTotal, bestRow] = [lowered, row];
      [spare, kept] = [kept, spare];
    }
    [nearest, kept] = [kept, nearest];
    total = bestTotal;
    centers.set(cells.subarray(bestRow * width, (bestRow + 1) * width), cluster * width);
  }
  return centers;
}

/** Writes each point's squared distance to the nearest center were `row` one too, and returns their sum. */
function* lower(points: Points, row: number, nearest: Float64Array, into: Float64Array): Steps<number> {
  const { cells, width, count } = points;
  const center = cells.subarray(row * width, (row + 1) * width);
  let total = 0;
  for (let from = 0; from < count; from += CHUNK_ROWS) {
    const to = Math.min(count, from + CHUNK_ROWS);
    for (let point = from; point < to; point += 1) {
      const distance = Math.min(nearest[point]!, squaredDistance(points, point, center, 0));
      into[point] = distance;
      total += distance;
    }
    yield;
  }
  return total;
}

function drawByWeight(weights: Float64Array, drawn: number): number {
  let passed = 0;
  for (let at = 0; at < weights.length; at += 1) {
    passed += weights[at]!;
    if (passed > drawn) return at;
  }
  return weights.length - 1;
}

function clustering(centers: Float64Array, inertia: number, clusterCount: number): Clustering {
  return {
    kind: "clustering",
    clusterCount,
    centers,
    inertia,
    assign: (x) => nearestCenters(x, centers, clusterCount),
    toJSON: (): JsonObject => ({ model: "k-means", clusters: clusterCount, inertia, centers: packNumbers(centers) }),
  };
}

export const restoreKMeans = (json: JsonObject): Clustering =>
  clustering(unpackFloats(json, "centers"), readNumber(json, "inertia"), readCount(json, "clusters"));

function nearestCenters(x: Matrix, centers: Float64Array, clusterCount: number): Int32Array {
  const points: Points = { cells: rowMajor(x), width: x.columns.length, count: x.rowCount };
  const codes = new Int32Array(x.rowCount);
  for (let row = 0; row < x.rowCount; row += 1) {
    let nearest = Infinity;
    for (let code = 0; code < clusterCount; code += 1) {
      const distance = squaredDistance(points, row, centers, code);
      if (distance >= nearest) continue;
      nearest = distance;
      codes[row] = code;
    }
  }
  return codes;
}
