/**
 * How much a feature tells about the target, in nats: both are cut into bins of about equal counts, and the mutual
 * information of the two is summed over the cells (Cover and Thomas, "Elements of Information Theory", 2.28), less what
 * independent columns of so many cells show by chance (Miller 1955: (x bins - 1)(y bins - 1) / 2n).
 */
import type { Matrix } from "../matrix.ts";
import { paced, type Steps } from "../pacing.ts";

const BINS = 16;
/** Rows the bins and counts are made of: more change the ranking of features no more. */
const MAX_ROWS = 100_000;

export interface Information {
  readonly x: Matrix;
  readonly y: Float64Array;
  /** Classes are bins already; numbers are cut. */
  readonly classCount: number | undefined;
}

export async function mutualInformation({ x, y, classCount }: Information, signal: AbortSignal): Promise<Float64Array> {
  const stride = Math.max(1, Math.floor(x.rowCount / MAX_ROWS));
  const truth = classCount === undefined ? binned(every(y, stride)) : { codes: Int32Array.from(every(y, stride)), count: classCount };
  const steps = function* (): Steps<Float64Array> {
    const scores = new Float64Array(x.columns.length);
    for (let index = 0; index < scores.length; index += 1) {
      scores[index] = information(binned(every(x.columns[index]!, stride)), truth);
      yield;
    }
    return scores;
  };
  return paced(steps(), signal);
}

interface Binned {
  readonly codes: Int32Array;
  readonly count: number;
}

const every = (values: Float64Array, stride: number): Float64Array =>
  stride === 1 ? values : values.filter((_, row) => row % stride === 0);

function binned(values: Float64Array): Binned {
  const sorted = values.toSorted();
  const edges: number[] = [];
  for (let bin = 1; bin < BINS; bin += 1) {
    const edge = sorted[Math.floor((bin * sorted.length) / BINS)]!;
    if (edge > (edges.at(-1) ?? sorted[0]!)) edges.push(edge);
  }
  const codes = Int32Array.from(values, (value) => {
    let code = 0;
    while (code < edges.length && value >= edges[code]!) code += 1;
    return code;
  });
  return { codes, count: edges.length + 1 };
}

function information(a: Binned, b: Binned): number {
  const cells = new Float64Array(a.count * b.count);
  for (let row = 0; row < a.codes.length; row += 1) cells[a.codes[row]! * b.count + b.codes[row]!]! += 1;
  const rows = a.codes.length;
  const ofA = Float64Array.from({ length: a.count }, (_, i) =>
    cells.subarray(i * b.count, (i + 1) * b.count).reduce((sum, cell) => sum + cell, 0),
  );
  const ofB = Float64Array.from({ length: b.count }, (_, j) => ofA.reduce((sum, _total, i) => sum + cells[i * b.count + j]!, 0));
  let nats = 0;
  for (let i = 0; i < a.count; i += 1) {
    for (let j = 0; j < b.count; j += 1) {
      const cell = cells[i * b.count + j]!;
      if (cell > 0) nats += (cell / rows) * Math.log((cell * rows) / (ofA[i]! * ofB[j]!));
    }
  }
  return Math.max(0, nats - ((a.count - 1) * (b.count - 1)) / (2 * rows));
}
