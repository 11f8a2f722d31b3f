/**
 * Ridge regression in closed form: the weights that minimise squared error plus alpha |w|², from the Cholesky factor of
 * the centred features' products (Hoerl and Kennard 1970). Centring takes the intercept out of the penalty.
 */
import { solvePositive } from "./cholesky.ts";
import { crossProducts, type CrossProducts } from "./cross-products.ts";
import { linearScores, meanMagnitudes } from "./logistic.ts";
import type { Matrix } from "../matrix.ts";
import type { FitContext, Regressor, RowWeighting } from "../model.ts";
import { paced, type Steps } from "../pacing.ts";
import { type ModelJson, packNumbers, unpackFloats } from "../packing.ts";
import { assertUsable } from "../usable.ts";

export interface RidgeOptions extends RowWeighting {
  /** Strength of the penalty. Default 1. */
  readonly alpha?: number | undefined;
}

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
  const { alpha = 1, rowWeights } = options;
  // The target goes along as one more column: its products with the features are the right-hand side.
  const products = yield* crossProducts([...x.columns, target], {
    rowWeights,
    tell: (rows) => context.tell(rows / x.rowCount, `${rows} rows`),
  });
  return solve(products, alpha);
}

function solve({ means, sums, stride }: CrossProducts, alpha: number): Float64Array {
  const width = means.length - 1;
  const left = new Float64Array(width * width);
  for (let a = 0; a < width; a += 1) {
    for (let b = 0; b <= a; b += 1) left[a * width + b] = sums[a * stride + b]! + (a === b ? alpha : 0);
  }
  const weights = solvePositive(left, sums.slice(width * stride, width * stride + width));
  const intercept = means[width]! - weights.reduce((total, weight, column) => total + weight * means[column]!, 0);
  return Float64Array.from([...weights, intercept]);
}

function ridgeModel(parameters: Float64Array): Regressor {
  return {
    kind: "regressor",
    predict: (x) => linearScores(x, parameters),
    importances: () => meanMagnitudes(parameters, parameters.length),
    toJSON: (): ModelJson => ({ model: "ridge", parameters: packNumbers(parameters) }),
  };
}

export const restoreRidge = (json: ModelJson): Regressor => ridgeModel(unpackFloats(json, "parameters"));
