/**
 * How good clusters are: silhouette (Rousseeuw 1987), Davies–Bouldin (1979) and Calinski–Harabasz (1974), which look at
 * the rows alone, and the adjusted Rand index (Hubert and Arabie 1985) against known groups. All distances are euclidean.
 * A code that no row has (of a small cluster, in a sample) is no cluster; where there are not two clusters, or each row is
 * its own, the first three are NaN, which the caller reports as absent.
 */
import { rowMajor, type Matrix } from "../matrix.ts";
import { paced, type Steps } from "../pacing.ts";

export interface ClusterShape {
  readonly daviesBouldin: number;
  readonly calinskiHarabasz: number;
}

/** Every pair of rows is looked at: quadratic, so large data is sampled by the caller. Stops when the signal aborts. */
export async function silhouette(x: Matrix, codes: Int32Array, signal: AbortSignal): Promise<number> {
  return paced(silhouetteSteps(x, codes), signal);
}

function* silhouetteSteps(x: Matrix, given: Int32Array): Steps<number> {
  const codes = withoutGaps(given);
  const sizes = clusterSizes(codes);
  if (sizes.length < 2 || sizes.length >= codes.length) return Number.NaN;
  const cells = rowMajor(x);
  const width = x.columns.length;
  const sums = new Float64Array(sizes.length);
  let total = 0;
  for (let row = 0; row < codes.length; row += 1) {
    sums.fill(0);
    addDistancesFrom(row, { cells, width, codes, sums });
    total += silhouetteOf(codes[row]!, sums, sizes);
    yield;
  }
  return total / codes.length;
}

interface DistanceSums {
  readonly cells: Float64Array;
  readonly width: number;
  readonly codes: Int32Array;
  readonly sums: Float64Array;
}

/** Adds the distances of all rows from one to the sum of their cluster. */
function addDistancesFrom(row: number, { cells, width, codes, sums }: DistanceSums): void {
  const origin = row * width;
  for (let other = 0, at = 0; other < codes.length; other += 1) {
    let squared = 0;
    for (let column = 0; column < width; column += 1, at += 1) {
      const difference = cells[at]! - cells[origin + column]!;
      squared += difference * difference;
    }
    sums[codes[other]!]! += Math.sqrt(squared);
  }
}

function silhouetteOf(own: number, sums: Float64Array, sizes: readonly number[]): number {
  const others = sizes[own]! - 1;
  if (others === 0) return 0;
  const inside = sums[own]! / others;
  let nearest = Infinity;
  for (let code = 0; code < sums.length; code += 1) if (code !== own) nearest = Math.min(nearest, sums[code]! / sizes[code]!);
  const longer = Math.max(inside, nearest);
  return longer === 0 ? 0 : (nearest - inside) / longer;
}

export function clusterShape(x: Matrix, given: Int32Array): ClusterShape {
  const codes = withoutGaps(given);
  const sizes = clusterSizes(codes);
  if (sizes.length < 2 || sizes.length >= codes.length) return { daviesBouldin: Number.NaN, calinskiHarabasz: Number.NaN };
  const centers = centersOf(x, codes, sizes);
  const squaredDistances = squaredDistancesTo(x, codes, centers);
  const spreads = sizes.map(() => 0);
  let within = 0;
  for (let row = 0; row < codes.length; row += 1) {
    spreads[codes[row]!]! += Math.sqrt(squaredDistances[row]!) / sizes[codes[row]!]!;
    within += squaredDistances[row]!;
  }
  return {
    daviesBouldin: daviesBouldin(centers, spreads),
    calinskiHarabasz: within === 0 ? 1 : (between(x, centers, sizes) / within) * ((codes.length - sizes.length) / (sizes.length - 1)),
  };
}

/** Agreement of two groupings of the same rows: 1 for the same groups, about 0 for chance. */
export function adjustedRand(a: Int32Array, b: Int32Array): number {
  const pairs = (count: number): number => (count * (count - 1)) / 2;
  const countPairs = (keys: Iterable<number>): number => [...countsOf(keys).values()].reduce((total, count) => total + pairs(count), 0);
  const bCodes = 1 + b.reduce((most, code) => Math.max(most, code), 0);
  const both = countPairs(a.map((code, row) => code * bCodes + b[row]!));
  const inA = countPairs(a);
  const inB = countPairs(b);
  const expected = (inA * inB) / pairs(a.length);
  const most = (inA + inB) / 2;
  return most === expected ? 1 : (both - expected) / (most - expected);
}

function countsOf(keys: Iterable<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** The codes that occur, counted from 0 in their order. */
function withoutGaps(codes: Int32Array): Int32Array {
  const places = new Map([...new Set(codes)].toSorted((a, b) => a - b).map((code, place) => [code, place]));
  return codes.map((code) => places.get(code)!);
}

function clusterSizes(codes: Int32Array): number[] {
  const sizes: number[] = [];
  for (const code of codes) sizes[code] = (sizes[code] ?? 0) + 1;
  return sizes;
}

/** Center after center, as Clustering.centers. */
function centersOf(x: Matrix, codes: Int32Array, sizes: readonly number[]): number[][] {
  const centers = sizes.map(() => x.columns.map(() => 0));
  x.columns.forEach((values, column) => {
    for (let row = 0; row < codes.length; row += 1) centers[codes[row]!]![column]! += values[row]!;
  });
  return centers.map((center, code) => center.map((total) => total / sizes[code]!));
}

function squaredDistancesTo(x: Matrix, codes: Int32Array, centers: readonly (readonly number[])[]): Float64Array {
  const squared = new Float64Array(codes.length);
  x.columns.forEach((values, column) => {
    const own = Float64Array.from(centers, (center) => center[column]!);
    for (let row = 0; row < codes.length; row += 1) squared[row]! += (values[row]! - own[codes[row]!]!) ** 2;
  });
  return squared;
}

/** Squared distances of the centers from the mean of all rows, weighted by their rows. */
function between(x: Matrix, centers: readonly (readonly number[])[], sizes: readonly number[]): number {
  const means = x.columns.map((values) => values.reduce((total, value) => total + value, 0) / x.rowCount);
  return centers.reduce((total, center, code) => total + sizes[code]! * squaredDistance(center, means), 0);
}

function daviesBouldin(centers: readonly (readonly number[])[], spreads: readonly number[]): number {
  const worst = centers.map((center, code) => {
    const likeness = centers.map((other, otherCode) => {
      const distance = Math.sqrt(squaredDistance(center, other));
      return otherCode === code || distance === 0 ? 0 : (spreads[code]! + spreads[otherCode]!) / distance;
    });
    return Math.max(...likeness);
  });
  return worst.reduce((total, value) => total + value, 0) / worst.length;
}

const squaredDistance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((total, value, index) => total + (value - b[index]!) ** 2, 0);
