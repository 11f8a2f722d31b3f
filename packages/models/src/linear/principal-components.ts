/**
 * Principal component analysis: the directions in which centred rows vary most, from the eigenvectors of their
 * covariance. Scale the columns first where their units differ. A direction's sign is free: its largest weight is made
 * positive, so that the same data gives the same components.
 */
import { crossProducts } from "./cross-products.ts";
import { eigenSymmetric } from "./eigen.ts";
import type { Matrix } from "../matrix.ts";
import type { FitContext, Projection } from "../model.ts";
import { paced, type Steps } from "../pacing.ts";
import { type ModelJson, packNumbers, unpackFloats } from "../packing.ts";
import { assertUsable } from "../usable.ts";

export interface PrincipalComponentsOptions {
  /** Default: all. */
  readonly components?: number | undefined;
}

interface Components {
  readonly means: Float64Array;
  /** Component after component, one weight a feature. */
  readonly weights: Float64Array;
  readonly ratios: Float64Array;
}

export async function fitPrincipalComponents(x: Matrix, options: PrincipalComponentsOptions, context: FitContext): Promise<Projection> {
  return projection(await paced(componentSteps(x, options, context), context.signal));
}

function* componentSteps(x: Matrix, options: PrincipalComponentsOptions, { tell }: FitContext): Steps<Components> {
  yield* assertUsable(x, "refused");
  const width = x.columns.length;
  const { means, sums, stride } = yield* crossProducts(x.columns, {
    tell: (rows) => tell((0.9 * rows) / x.rowCount, `Covariance of ${rows} rows`),
  });
  const covariance = new Float64Array(width * width);
  for (let a = 0; a < width; a += 1) {
    for (let b = 0; b <= a; b += 1) covariance[a * width + b] = covariance[b * width + a] = sums[a * stride + b]! / x.rowCount;
  }
  const { values, vectors } = yield* eigenSymmetric(covariance, width);
  const total = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  const count = Math.min(options.components ?? width, width);
  const ratios = values.slice(0, count).map((value) => (total === 0 ? 0 : Math.max(0, value) / total));
  const weights = new Float64Array(count * width);
  for (let component = 0; component < count; component += 1) {
    weights.set(withPositiveLargest(vectors.subarray(component * width, (component + 1) * width)), component * width);
  }
  tell(1, `${count} components`);
  return { means, weights, ratios };
}

function withPositiveLargest(weights: Float64Array): Float64Array {
  const largest = weights.reduce((most, weight) => (Math.abs(weight) > Math.abs(most) ? weight : most), 0);
  return largest < 0 ? weights.map((weight) => -weight) : weights;
}

function projection({ means, weights, ratios }: Components): Projection {
  return {
    kind: "projection",
    componentCount: ratios.length,
    explainedVarianceRatios: ratios,
    weights,
    transform: (x) => ({
      rowCount: x.rowCount,
      names: Array.from(ratios, (_, component) => `pc${component + 1}`),
      columns: Array.from(ratios, (_, component) => project(x, means, weights.subarray(component * means.length))),
    }),
    toJSON: (): ModelJson => ({
      model: "principal-components",
      means: packNumbers(means),
      weights: packNumbers(weights),
      ratios: packNumbers(ratios),
    }),
  };
}

function project(x: Matrix, means: Float64Array, weights: Float64Array): Float64Array {
  const projected = new Float64Array(x.rowCount);
  x.columns.forEach((values, column) => {
    for (let row = 0; row < projected.length; row += 1) projected[row]! += weights[column]! * (values[row]! - means[column]!);
  });
  return projected;
}

export const restorePrincipalComponents = (json: ModelJson): Projection =>
  projection({ means: unpackFloats(json, "means"), weights: unpackFloats(json, "weights"), ratios: unpackFloats(json, "ratios") });
