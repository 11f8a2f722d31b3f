/**
 * What clusters have to beat: rows cut into slices of equal count along their longest axis, the first principal component.
 * A slice becomes its center, and a row belongs to the nearest one.
 */
import { clusteringOf } from "./k-means.ts";
import type { Matrix } from "../matrix.ts";
import type { Clustering, FitContext } from "../model.ts";
import { NearestCenters } from "./nearest-centers.ts";
import { paced, type Steps } from "../pacing.ts";
import { fitPrincipalComponents } from "../linear/principal-components.ts";

/** Fewer clusters come of it where equal rows fill more than a slice, or a center is nearest to no row. */
export async function fitSlices(x: Matrix, { clusters }: { readonly clusters: number }, context: FitContext): Promise<Clustering> {
  const axis = await fitPrincipalComponents(x, { components: 1 }, context);
  return paced(sliceSteps(x, axis.transform(x).columns[0]!, clusters), context.signal);
}

function* sliceSteps(x: Matrix, places: Float64Array, clusters: number): Steps<Clustering> {
  const starts = sliceStarts(places, clusters);
  yield;
  const slices = places.map((place) => sliceOf(place, starts));
  yield;
  const centers = yield* meansOf(x, slices, starts.length);
  const codes = new NearestCenters(centers, starts.length).assign(x);
  yield;
  const inertia = yield* inertiaOf(x, codes, centers);
  const used = new Set(codes);
  const width = x.columns.length;
  return clusteringOf(
    centers.filter((_, at) => used.has(Math.floor(at / width))),
    inertia,
    used.size,
  );
}

/** Where each slice begins; those that would begin at one place are one. */
function sliceStarts(places: Float64Array, slices: number): Float64Array {
  const sorted = places.toSorted();
  return Float64Array.from(new Set(Array.from({ length: slices }, (_, slice) => sorted[Math.floor((slice * sorted.length) / slices)]!)));
}

function sliceOf(place: number, starts: Float64Array): number {
  let slice = 0;
  while (slice + 1 < starts.length && starts[slice + 1]! <= place) slice += 1;
  return slice;
}

function* meansOf(x: Matrix, codes: ArrayLike<number>, count: number): Steps<Float64Array> {
  const width = x.columns.length;
  const sizes = new Float64Array(count);
  const means = new Float64Array(count * width);
  for (let row = 0; row < x.rowCount; row += 1) sizes[codes[row]!]! += 1;
  for (const [column, values] of x.columns.entries()) {
    for (let row = 0; row < x.rowCount; row += 1) means[codes[row]! * width + column]! += values[row]!;
    yield;
  }
  return means.map((sum, at) => sum / sizes[Math.floor(at / width)]!);
}

function* inertiaOf(x: Matrix, codes: Int32Array, centers: Float64Array): Steps<number> {
  const width = x.columns.length;
  let total = 0;
  for (const [column, values] of x.columns.entries()) {
    for (let row = 0; row < x.rowCount; row += 1) total += (values[row]! - centers[codes[row]! * width + column]!) ** 2;
    yield;
  }
  return total;
}
