/**
 * Ridge regression in closed form: the weights that minimise squared error plus alpha |w|², from the Cholesky factor of
 * the centred features' products (Hoerl and Kennard 1970). Centring takes the intercept out of the penalty.
 */
import type { JsonObject } from "@streamer/protocol";
import { solvePositive } from "./cholesky.ts";
import { linearScores, meanMagnitudes } from "./logistic.ts";
import type { Matrix } from "./matrix.ts";
import type { FitContext, Regressor, RowWeighting } from "./model.ts";
import { paced, type Steps } from "./pacing.ts";
import { packNumbers, unpackFloats } from "./packing.ts";
import { assertUsable } from "./usable.ts";
import { totalWeight } from "./weights.ts";

export interface RidgeOptions extends RowWeighting {
  /** Strength of the penalty. Default 1. */
  readonly alpha?: number | undefined;
}

/** A block of all columns stays in the cache while every pair of them is multiplied. */
const BLOCK_ROWS = 1_024;

export async function fitRidge(x: Matrix, target: Float64Array, options: RidgeOptions, context: FitContext): Promise<Regressor> {
  const parameters = await paced(ridgeSteps(x, target, { options, context }), context.signal);
  context.tell(1, "Fitted");
  return ridgeModel(parameters);
}

interface RidgeFit {
  readonly options: RidgeOptions;
  readonly context: FitContext;
}

function* ridgeSteps(x: Matrix, target: Float64Array, { options, context }: RidgeFit): Steps<Float64Array> {
  yield* assertUsable(x, "refused");
  const width = x.columns.length;
  const { alpha = 1, rowWeights } = options;
  // The target goes along as one more column: its products with the features are the right-hand side.
  const columns = [...x.columns, target];
  const weight = totalWeight(x.rowCount, rowWeights);
  const means: number[] = [];
  for (const column of columns) {
    means.push(weightedSum(column, rowWeights) / weight);
    yield;
  }
  const products = new Float64Array((width + 1) ** 2);
  const block = columns.map(() => new Float64Array(BLOCK_ROWS));
  for (let from = 0; from < x.rowCount; from += BLOCK_ROWS) {
    const to = Math.min(x.rowCount, from + BLOCK_ROWS);
    columns.forEach((column, at) => centre(block[at]!, column.subarray(from, to), means[at]!, rowWeights?.subarray(from, to)));
    for (let a = 0; a <= width; a += 1) {
      for (let b = 0; b <= Math.min(a, width - 1); b += 1) products[a * (width + 1) + b]! += dot(block[a]!, block[b]!, to - from);
      yield;
    }
    context.tell(to / x.rowCount, `${to} rows`);
  }
  return solve(products, { width, alpha, means });
}

function solve(products: Float64Array, { width, alpha, means }: { width: number; alpha: number; means: readonly number[] }): Float64Array {
  const left = new Float64Array(width * width);
  for (let a = 0; a < width; a += 1) {
    for (let b = 0; b <= a; b += 1) left[a * width + b] = products[a * (width + 1) + b]! + (a === b ? alpha : 0);
  }
  const right = products.slice(width * (width + 1), width * (width + 1) + width);
  const weights = solvePositive(left, right);
  const intercept = means[width]! - weights.reduce((total, weight, column) => total + weight * means[column]!, 0);
  return Float64Array.from([...weights, intercept]);
}

function ridgeModel(parameters: Float64Array): Regressor {
  return {
    kind: "regressor",
    predict: (x) => linearScores(x, parameters),
    importances: () => meanMagnitudes(parameters, parameters.length),
    toJSON: (): JsonObject => ({ model: "ridge", parameters: packNumbers(parameters) }),
  };
}

export const restoreRidge = (json: JsonObject): Regressor => ridgeModel(unpackFloats(json, "parameters"));

function weightedSum(values: Float64Array, weights: Float64Array | undefined): number {
  let total = 0;
  for (let row = 0; row < values.length; row += 1) total += values[row]! * (weights ? weights[row]! : 1);
  return total;
}

/** Minus the mean, times the root of the row's weight, which so enters every product once. */
function centre(into: Float64Array, values: Float64Array, mean: number, weights: Float64Array | undefined): void {
  for (let row = 0; row < values.length; row += 1) into[row] = (values[row]! - mean) * (weights ? Math.sqrt(weights[row]!) : 1);
}

/** Four sums at once: one alone would wait for each addition to finish. */
function dot(a: Float64Array, b: Float64Array, count: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let at = 0;
  for (; at + 3 < count; at += 4) {
    s0 += a[at]! * b[at]!;
    s1 += a[at + 1]! * b[at + 1]!;
    s2 += a[at + 2]! * b[at + 2]!;
    s3 += a[at + 3]! * b[at + 3]!;
  }
  for (; at < count; at += 1) s0 += a[at]! * b[at]!;
  return s0 + s1 + (s2 + s3);
}
