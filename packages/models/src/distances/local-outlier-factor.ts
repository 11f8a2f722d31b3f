/**
 * Local outlier factor (Breunig et al. 2000): how much sparser a row's surroundings are than those of its neighbours;
 * about 1 inside a cluster. Distances to all reference rows are measured, so above `maxReferenceRows` a random sample is
 * the reference. A row that equals a reference row is taken for that row: it is not its own neighbour.
 */
import type { JsonObject } from "@streamer/protocol";
import { rowMajor, takeRows, type Matrix } from "../matrix.ts";
import type { AnomalyModel, FitContext } from "../model.ts";
import { paced, type Steps } from "../pacing.ts";
import { damaged, packNumbers, readCount, unpackFloats } from "../packing.ts";
import { squaredDistance, type Points } from "./points.ts";
import { sampleWithoutReplacement } from "../random.ts";
import { assertUsable } from "../usable.ts";

export interface LocalOutlierFactorOptions {
  /** Default 20. */
  readonly neighbours?: number | undefined;
  /** Default 8,192: a row is scored in about a tenth of a millisecond. */
  readonly maxReferenceRows?: number | undefined;
}

/** Rows on top of each other are infinitely dense: their density is kept finite. */
const LEAST_DISTANCE = 1e-10;

interface Reference {
  readonly points: Points;
  readonly neighbours: number;
  /** Distance of each row to its farthest neighbour. */
  readonly reach: Float64Array;
  /** Local reachability density of each row. */
  readonly density: Float64Array;
}

export async function fitLocalOutlierFactor(
  x: Matrix,
  { neighbours = 20, maxReferenceRows = 8_192 }: LocalOutlierFactorOptions,
  context: FitContext,
): Promise<AnomalyModel> {
  const sampled = x.rowCount <= maxReferenceRows ? x : takeRows(x, sampleWithoutReplacement(context.random, maxReferenceRows, x.rowCount));
  return localOutlierFactor(await paced(referenceSteps(sampled, neighbours, context), context.signal));
}

function* referenceSteps(x: Matrix, wanted: number, { tell }: FitContext): Steps<Reference> {
  yield* assertUsable(x, "refused");
  if (x.rowCount < 2) throw new RangeError("Neighbours need two rows at least.");
  const neighbours = Math.min(wanted, x.rowCount - 1);
  const points: Points = { cells: rowMajor(x), width: x.columns.length, count: x.rowCount };
  const reach = new Float64Array(points.count);
  const near = new Int32Array(points.count * neighbours);
  const far = new Float64Array(points.count * neighbours);
  const search = new NeighbourSearch(points, neighbours);
  for (let row = 0; row < points.count; row += 1) {
    search.find(points, row, row);
    near.set(search.rows, row * neighbours);
    far.set(search.distances, row * neighbours);
    reach[row] = search.distances[neighbours - 1]!;
    if (row % 64 === 0) tell(row / points.count, `${row} of ${points.count} rows`);
    yield;
  }
  const density = Float64Array.from(reach, (_, row) => {
    const from = row * neighbours;
    return densityOf(near.subarray(from, from + neighbours), far.subarray(from, from + neighbours), reach);
  });
  tell(1, `${points.count} rows`);
  return { points, neighbours, reach, density };
}

function densityOf(rows: Int32Array, distances: Float64Array, reach: Float64Array): number {
  let total = 0;
  for (let at = 0; at < rows.length; at += 1) total += Math.max(distances[at]!, reach[rows[at]!]!);
  return 1 / (total / rows.length + LEAST_DISTANCE);
}

/** The nearest reference rows of one point after another, nearest first. */
class NeighbourSearch {
  readonly rows: Int32Array;
  readonly distances: Float64Array;
  readonly #reference: Points;

  constructor(reference: Points, neighbours: number) {
    this.#reference = reference;
    this.rows = new Int32Array(neighbours);
    this.distances = new Float64Array(neighbours);
  }

  /** `itself`: the reference row that is this point, or -1 where it has first to be recognised. */
  find(points: Points, row: number, itself: number): void {
    const { rows, distances } = this;
    const last = rows.length - 1;
    const { cells, count } = this.#reference;
    let own = itself;
    distances.fill(Infinity);
    for (let other = 0; other < count; other += 1) {
      const squared = squaredDistance(points, row, cells, other);
      if (own < 0 && squared === 0) own = other;
      if (other === own || squared >= distances[last]!) continue;
      let at = last;
      for (; at > 0 && distances[at - 1]! > squared; at -= 1) {
        distances[at] = distances[at - 1]!;
        rows[at] = rows[at - 1]!;
      }
      distances[at] = squared;
      rows[at] = other;
    }
    for (let at = 0; at <= last; at += 1) distances[at] = Math.sqrt(distances[at]!);
  }
}

function localOutlierFactor(reference: Reference): AnomalyModel {
  const { points, neighbours, reach, density } = reference;
  return {
    kind: "anomaly",
    score: (x) => {
      const search = new NeighbourSearch(points, neighbours);
      const queries: Points = { cells: rowMajor(x), width: x.columns.length, count: x.rowCount };
      return Float64Array.from({ length: x.rowCount }, (_, row) => {
        search.find(queries, row, -1);
        const around = search.rows.reduce((total, other) => total + density[other]!, 0) / neighbours;
        return around / densityOf(search.rows, search.distances, reach);
      });
    },
    toJSON: (): JsonObject => ({
      model: "local-outlier-factor",
      width: points.width,
      neighbours,
      cells: packNumbers(points.cells),
      reach: packNumbers(reach),
      density: packNumbers(density),
    }),
  };
}

export function restoreLocalOutlierFactor(json: JsonObject): AnomalyModel {
  const [cells, reach, density] = [unpackFloats(json, "cells"), unpackFloats(json, "reach"), unpackFloats(json, "density")];
  const [width, neighbours] = [readCount(json, "width"), readCount(json, "neighbours")];
  if (cells.length !== width * reach.length || density.length !== reach.length || neighbours >= reach.length) throw damaged("cells");
  return localOutlierFactor({ points: { cells, width, count: reach.length }, neighbours, reach, density });
}
