/** Sums of products of every two columns: what ridge regression and principal components are computed from. */
import type { Steps } from "../pacing.ts";
import { weightedMean } from "../weights.ts";

export interface CrossProducts {
  readonly means: Float64Array;
  /** Of column a and b at a × stride + b, for b up to a: Σ weight × (a − its mean) × (b − its mean). */
  readonly sums: Float64Array;
  readonly stride: number;
}

export interface CrossProductTerms {
  readonly rowWeights?: Float64Array | undefined;
  /** Rows done. */
  readonly tell: (rows: number) => void;
}

/** A block of all columns stays in the cache while every pair of them is multiplied. */
const BLOCK_ROWS = 1_024;

export function* crossProducts(columns: readonly Float64Array[], { rowWeights, tell }: CrossProductTerms): Steps<CrossProducts> {
  const rowCount = columns[0]!.length;
  const means = new Float64Array(columns.length);
  for (const [at, column] of columns.entries()) {
    means[at] = weightedMean(column, rowWeights);
    yield;
  }
  // Columns are multiplied two by two: an odd one out has a column of zeros for its neighbour.
  const stride = columns.length + (columns.length % 2);
  const sums = new Float64Array(stride * stride);
  const block = Array.from({ length: stride }, () => new Float64Array(BLOCK_ROWS));
  for (let from = 0; from < rowCount; from += BLOCK_ROWS) {
    const to = Math.min(rowCount, from + BLOCK_ROWS);
    columns.forEach((column, at) => centre(block[at]!, column.subarray(from, to), means[at]!, rowWeights?.subarray(from, to)));
    for (let a = 0; a < stride; a += 2) {
      for (let b = 0; b <= a; b += 2) addProducts(block, to - from, { sums, stride, a, b });
      yield;
    }
    tell(to);
  }
  return { means, sums, stride };
}

/** Minus the mean, times the root of the row's weight, which so enters every product once. */
function centre(into: Float64Array, values: Float64Array, mean: number, weights: Float64Array | undefined): void {
  if (weights) for (let row = 0; row < values.length; row += 1) into[row] = (values[row]! - mean) * Math.sqrt(weights[row]!);
  else for (let row = 0; row < values.length; row += 1) into[row] = values[row]! - mean;
}

interface Tile {
  readonly sums: Float64Array;
  readonly stride: number;
  readonly a: number;
  readonly b: number;
}

/** Columns a and a + 1 with b and b + 1: each number read is used twice, and no sum waits for another. */
function addProducts(block: readonly Float64Array[], rowCount: number, { sums, stride, a, b }: Tile): void {
  const left = block[a]!;
  const nextLeft = block[a + 1]!;
  const right = block[b]!;
  const nextRight = block[b + 1]!;
  let s00 = 0;
  let s01 = 0;
  let s10 = 0;
  let s11 = 0;
  for (let row = 0; row < rowCount; row += 1) {
    const l = left[row]!;
    const n = nextLeft[row]!;
    const r = right[row]!;
    const m = nextRight[row]!;
    s00 += l * r;
    s01 += l * m;
    s10 += n * r;
    s11 += n * m;
  }
  const at = a * stride + b;
  sums[at]! += s00;
  sums[at + 1]! += s01;
  sums[at + stride]! += s10;
  sums[at + stride + 1]! += s11;
}
