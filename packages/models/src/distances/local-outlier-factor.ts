/**
 * Local outlier factor (Breunig et al., "LOF: identifying density-based local outliers", 2000): how much sparser a row's
 * surroundings are than those of its neighbours; about 1 inside a cluster. Distances to all reference rows are measured,
 * so above `maxReferenceRows` a random sample is the reference.
 *
 * A row with k others on its own place would be infinitely dense, and all beside it outliers. Its neighbourhood is that of
 * the k-distinct-distance, which the paper gives for this (after its definition 5): it reaches to the k-th of the other
 * places, and holds all rows within. Reference rows are kept by place, with how many are on each. A row that equals a
 * reference row is taken for that row: it is not its own neighbour.
 */
import { distinctPoints } from "./distinct-points.ts";
import { rowMajor, takeRows, type Matrix } from "../matrix.ts";
import type { AnomalyModel, FitContext } from "../model.ts";
import { paced, type Steps } from "../pacing.ts";
import { damaged, type ModelJson, packNumbers, readCount, unpackFloats } from "../packing.ts";
import { squaredDistance, type Points } from "./points.ts";
import { sampleWithoutReplacement } from "../random.ts";
import { assertUsable } from "../usable.ts";

export interface LocalOutlierFactorOptions {
  /** Default 20. */
  readonly neighbours?: number | undefined;
  /** Default 8,192: a row is scored in about a tenth of a millisecond. */
  readonly maxReferenceRows?: number | undefined;
}

interface Reference {
  /** Different places, and how many rows are on each. */
  readonly points: Points;
  readonly counts: Float64Array;
  /** Rows that make a neighbourhood. */
  readonly neighbours: number;
  /** How far each place's neighbourhood reaches. */
  readonly reach: Float64Array;
  /** Local reachability density of each place. */
  readonly density: Float64Array;
}

export async function fitLocalOutlierFactor(
  x: Matrix,
  { neighbours = 20, maxReferenceRows = 8_192 }: LocalOutlierFactorOptions,
  context: FitContext,
): Promise<AnomalyModel> {
  return localOutlierFactor(await paced(referenceSteps(x, { neighbours, maxReferenceRows }, context), context.signal));
}

/** At random, but for two rows that differ: of a million equal rows and one other, a sample would hold one place. */
function* referenceRows(x: Matrix, most: number, random: () => number): Steps<Matrix> {
  if (x.rowCount <= most) return x;
  const two = yield* distinctPoints(x, 2);
  return takeRows(x, Int32Array.from(new Set([...two.rows, ...sampleWithoutReplacement(random, most, x.rowCount)])));
}

function* referenceSteps(
  all: Matrix,
  { neighbours: wanted, maxReferenceRows }: { readonly neighbours: number; readonly maxReferenceRows: number },
  { tell, random }: FitContext,
): Steps<Reference> {
  yield* assertUsable(all, "refused");
  const x = yield* referenceRows(all, maxReferenceRows, random);
  const { rows, counts } = yield* distinctPoints(x);
  if (rows.length < 2) throw new RangeError("Neighbours need two different rows at least.");
  const neighbours = Math.min(wanted, x.rowCount - 1);
  const points: Points = { cells: rowMajor(takeRows(x, rows)), width: x.columns.length, count: rows.length };
  const reach = new Float64Array(points.count);
  const around: Surroundings[] = [];
  const search = new NeighbourSearch(points, counts, neighbours);
  for (let place = 0; place < points.count; place += 1) {
    const found = search.find(points, place, place);
    around.push({ ...found, places: found.places.slice(), distances: found.distances.slice(), rows: found.rows.slice() });
    reach[place] = found.reach;
    if (place % 64 === 0) tell(place / points.count, `${place} of ${points.count} places`);
    yield;
  }
  const density = Float64Array.from(around, (one) => densityOf(one, reach));
  tell(1, `${points.count} places`);
  return { points, counts, neighbours, reach, density };
}

/** The place a row is on (-1 where there is none) with the rows beside it there, and the places around it, nearest first. */
interface Surroundings {
  readonly own: number;
  readonly ownRows: number;
  readonly places: Int32Array;
  readonly distances: Float64Array;
  /** Rows of each place that are neighbours. */
  readonly rows: Float64Array;
  readonly reach: number;
}

function densityOf({ own, ownRows, places, distances, rows }: Surroundings, reach: Float64Array): number {
  let total = own < 0 ? 0 : ownRows * reach[own]!;
  for (let at = 0; at < places.length; at += 1) total += rows[at]! * Math.max(distances[at]!, reach[places[at]!]!);
  return (ownRows + sum(rows)) / total;
}

function meanDensityAround({ own, ownRows, places, rows }: Surroundings, density: Float64Array): number {
  let total = own < 0 ? 0 : ownRows * density[own]!;
  for (let at = 0; at < places.length; at += 1) total += rows[at]! * density[places[at]!]!;
  return total / (ownRows + sum(rows));
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

class NeighbourSearch {
  readonly #reference: Points;
  readonly #counts: Float64Array;
  readonly #neighbours: number;
  readonly #places: Int32Array;
  readonly #distances: Float64Array;
  readonly #rows: Float64Array;

  constructor(reference: Points, counts: Float64Array, neighbours: number) {
    this.#reference = reference;
    this.#counts = counts;
    this.#neighbours = neighbours;
    const places = Math.min(neighbours, reference.count - 1);
    this.#places = new Int32Array(places);
    this.#distances = new Float64Array(places);
    this.#rows = new Float64Array(places);
  }

  /** `itself`: the place that is this point, or -1 where it has first to be recognised. Read the answer before the next. */
  find(points: Points, row: number, itself: number): Surroundings {
    const own = this.#nearestPlaces(points, row, itself);
    const ownRows = own < 0 ? 0 : this.#counts[own]! - 1;
    const used = this.#share(ownRows);
    const [places, distances, rows] = [this.#places, this.#distances, this.#rows].map((all) => all.subarray(0, used)) as [
      Int32Array,
      Float64Array,
      Float64Array,
    ];
    return { own, ownRows, places, distances, rows, reach: distances[used - 1]! };
  }

  #nearestPlaces(points: Points, row: number, itself: number): number {
    const [places, distances] = [this.#places, this.#distances];
    const last = places.length - 1;
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
        places[at] = places[at - 1]!;
      }
      distances[at] = squared;
      places[at] = other;
    }
    for (let at = 0; at <= last; at += 1) distances[at] = Math.sqrt(distances[at]!);
    return own;
  }

  /** How many rows of each place are neighbours; returns how many places have any. */
  #share(ownRows: number): number {
    const isCrowded = ownRows >= this.#neighbours;
    let left = this.#neighbours - ownRows;
    let used = 0;
    while (used < this.#places.length && (isCrowded || left > 0)) {
      const rows = this.#counts[this.#places[used]!]!;
      this.#rows[used] = isCrowded ? rows : Math.min(rows, left);
      left -= rows;
      used += 1;
    }
    return used;
  }
}

function localOutlierFactor(reference: Reference): AnomalyModel {
  const { points, counts, neighbours, reach, density } = reference;
  return {
    kind: "anomaly",
    score: (x) => {
      const search = new NeighbourSearch(points, counts, neighbours);
      const queries: Points = { cells: rowMajor(x), width: x.columns.length, count: x.rowCount };
      return Float64Array.from({ length: x.rowCount }, (_, row) => {
        const around = search.find(queries, row, -1);
        return meanDensityAround(around, density) / densityOf(around, reach);
      });
    },
    toJSON: (): ModelJson => ({
      model: "local-outlier-factor",
      width: points.width,
      neighbours,
      cells: packNumbers(points.cells),
      counts: packNumbers(counts),
      reach: packNumbers(reach),
      density: packNumbers(density),
    }),
  };
}

export function restoreLocalOutlierFactor(json: ModelJson): AnomalyModel {
  const [cells, reach, density] = [unpackFloats(json, "cells"), unpackFloats(json, "reach"), unpackFloats(json, "density")];
  const counts = unpackFloats(json, "counts");
  const [width, neighbours] = [readCount(json, "width"), readCount(json, "neighbours")];
  const isWhole = density.length === reach.length && counts.length === reach.length && reach.length > 1 && neighbours > 0;
  if (!isWhole || cells.length !== width * reach.length) throw damaged("cells");
  return localOutlierFactor({ points: { cells, width, count: reach.length }, counts, neighbours, reach, density });
}
