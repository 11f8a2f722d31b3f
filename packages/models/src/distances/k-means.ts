/**
 * k-means: the best of several starts. Each start spreads its centers by greedy k-means++ (Arthur and Vassilvitskii
 * 2007: of a few candidates drawn by squared distance, the one that lowers the sum most) and then moves them until no
 * row changes sides. Hamerly's bounds (2010) spare most distances: a row is looked at again only if its center may no
 * longer be the nearest.
 */
import { HamerlyRun } from "./hamerly.ts";
import { rowMajor, type Matrix } from "../matrix.ts";
import type { Clustering, FitContext } from "../model.ts";
import { NearestCenters } from "./nearest-centers.ts";
import { paced, type Steps } from "../pacing.ts";
import { type ModelJson, packNumbers, readCount, readNumber, unpackFloats } from "../packing.ts";
import { squaredDistances, type Points } from "./points.ts";
import { randomBelow } from "../random.ts";
import { assertUsable } from "../usable.ts";

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
  return clusteringOf(best.centers, best.inertia, best.centers.length / x.columns.length);
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
  return { ...best!, centers: nearestToSome(x, best!.centers) };
}

/** Where there are fewer different points than clusters, the centers that are left over are nearest to no row and go. */
function nearestToSome(x: Matrix, centers: Float64Array): Float64Array {
  const width = x.columns.length;
  const used = new Set(new NearestCenters(centers, centers.length / width).assign(x));
  return centers.filter((_, at) => used.has(Math.floor(at / width)));
}

/** Greedy k-means++: all candidates of a center are measured in one pass over the points. */
function* spreadCenters(points: Points, clusters: number, random: () => number): Steps<Float64Array> {
  const { cells, width, count } = points;
  const cellsOf = (row: number): Float64Array => cells.subarray(row * width, (row + 1) * width);
  const candidateCount = 2 + Math.floor(Math.log(clusters));
  const centers = new Float64Array(clusters * width);
  centers.set(cellsOf(randomBelow(random, count)));
  const all = Array.from({ length: candidateCount + 1 }, () => new Float64Array(count));
  let nearest = all[candidateCount]!.fill(Infinity);
  let [total = 0] = yield* lower(points, centers.subarray(0, width), nearest, [nearest]);
  for (let cluster = 1; cluster < clusters; cluster += 1) {
    const candidates = new Float64Array(candidateCount * width);
    for (let at = 0; at < candidateCount; at += 1) candidates.set(cellsOf(drawByWeight(nearest, random() * total)), at * width);
    const spare = all.filter((one) => one !== nearest);
    const totals = yield* lower(points, candidates, nearest, spare);
    const best = totals.indexOf(Math.min(...totals));
    total = totals[best]!;
    nearest = spare[best]!;
    centers.set(candidates.subarray(best * width, (best + 1) * width), cluster * width);
  }
  return centers;
}

/** For each candidate: writes each point's squared distance to the nearest center were it one too; returns their sums. */
function* lower(points: Points, candidates: Float64Array, nearest: Float64Array, into: readonly Float64Array[]): Steps<number[]> {
  const distances = new Float64Array(into.length);
  const totals = new Float64Array(into.length);
  for (let from = 0; from < points.count; from += CHUNK_ROWS) {
    const to = Math.min(points.count, from + CHUNK_ROWS);
    for (let point = from; point < to; point += 1) {
      squaredDistances(points, point, candidates, distances);
      const before = nearest[point]!;
      for (let at = 0; at < distances.length; at += 1) {
        const distance = Math.min(before, distances[at]!);
        into[at]![point] = distance;
        totals[at]! += distance;
      }
    }
    yield;
  }
  return [...totals];
}

function drawByWeight(weights: Float64Array, drawn: number): number {
  let passed = 0;
  for (let at = 0; at < weights.length; at += 1) {
    passed += weights[at]!;
    if (passed > drawn) return at;
  }
  return weights.length - 1;
}

/** A model of the given centers, however they were found. `inertia`: the sum of the rows' squared distances to their centers. */
export function clusteringOf(centers: Float64Array, inertia: number, clusterCount: number): Clustering {
  let nearest: NearestCenters | undefined;
  return {
    kind: "clustering",
    clusterCount,
    centers,
    inertia,
    assign: (x) => (nearest ??= new NearestCenters(centers, clusterCount)).assign(x),
    toJSON: (): ModelJson => ({ model: "k-means", clusters: clusterCount, inertia, centers: packNumbers(centers) }),
  };
}

export const restoreKMeans = (json: ModelJson): Clustering =>
  clusteringOf(unpackFloats(json, "centers"), readNumber(json, "inertia"), readCount(json, "clusters"));
