/** Small made data for tests that need no real one: blobs, one a class, in a few columns. */
import type { Matrix } from "../src/matrix.ts";
import type { Labels } from "../src/model.ts";
import { seededRandom } from "../src/random.ts";

const COLUMNS = 4;

export interface Blobs {
  readonly x: Matrix;
  readonly labels: Labels;
  /** A number that the columns explain, but for noise. */
  readonly target: Float64Array;
}

export function randomBlobs(rowCount: number, classCount: number, seed = 11): Blobs {
  const random = seededRandom(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const codes = Int32Array.from({ length: rowCount }, (_, row) => row % classCount);
  const columns = Array.from({ length: COLUMNS }, (_, column) =>
    Float64Array.from(codes, (code) => normal() + 2 * ((code + column) % classCount)),
  );
  const target = Float64Array.from(codes, (_, row) => columns[0]![row]! - 2 * columns[1]![row]! + 0.1 * normal());
  return { x: { rowCount, names: columns.map((_, at) => `c${at}`), columns }, labels: { codes, classCount }, target };
}
