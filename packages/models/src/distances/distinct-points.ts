/** Which rows are the same point: what clusters and neighbours may count on. */
import type { Matrix } from "../matrix.ts";
import { paced, type Steps } from "../pacing.ts";

export interface DistinctPoints {
  /** The first row of each point, rising. */
  readonly rows: Int32Array;
  /** How many rows each point has. */
  readonly counts: Float64Array;
}

const CHUNK_ROWS = 4_096;
/** A step through the numbers of a row that keeps sums of other rows apart: the golden ratio's fraction. */
const GOLDEN = 0.618_033_988_749_894_9;

/** How many different points the rows are, counted up to `most`. */
export async function countDistinctPoints(x: Matrix, most: number, signal: AbortSignal): Promise<number> {
  return (await paced(distinctPoints(x, most), signal)).rows.length;
}

/** Ends early once there are `most` points: their counts are of the rows seen until then. */
export function* distinctPoints(x: Matrix, most = Infinity): Steps<DistinctPoints> {
  const rows: number[] = [];
  const counts: number[] = [];
  const placesByKey = new Map<number, number[]>();
  for (let row = 0; row < x.rowCount && rows.length < most; row += 1) {
    if (row % CHUNK_ROWS === 0) yield;
    const key = keyOf(x, row);
    const places = placesByKey.get(key) ?? [];
    const place = places.find((one) => isSame(x, rows[one]!, row));
    if (place === undefined) {
      placesByKey.set(key, [...places, rows.length]);
      rows.push(row);
      counts.push(1);
    } else counts[place]! += 1;
  }
  return { rows: Int32Array.from(rows), counts: Float64Array.from(counts) };
}

function keyOf({ columns }: Matrix, row: number): number {
  let key = 0;
  for (let column = 0; column < columns.length; column += 1) key = key * GOLDEN + columns[column]![row]!;
  return key;
}

function isSame({ columns }: Matrix, row: number, other: number): boolean {
  for (let column = 0; column < columns.length; column += 1) if (columns[column]![row] !== columns[column]![other]) return false;
  return true;
}
