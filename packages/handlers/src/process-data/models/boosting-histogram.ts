/**
 * Per bin of a node: sum of gradients, sum of hessians, rows. Only the smaller of two siblings is counted from its rows;
 * the other is what is left of the parent. Where all hessians are 1 their sums are the rows and are not counted.
 */
import type { BinnedMatrix } from "./binned-matrix.ts";
import type { Steps } from "./pacing.ts";

export const STRIDE = 3;
/** Cells read between two yields: about a millisecond. */
const CELLS_PER_YIELD = 500_000;

export interface Gradients {
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
  readonly isHessianOne: boolean;
}

export interface RowRange {
  readonly rows: Int32Array;
  readonly start: number;
  readonly end: number;
}

/** Histograms are reused from node to node: a tree allocates none after its first. */
export class HistogramPool {
  readonly #length: number;
  readonly #free: Float64Array[] = [];

  constructor(binCount: number) {
    this.#length = binCount * STRIDE;
  }

  take(): Float64Array {
    const histogram = this.#free.pop();
    return histogram ? histogram.fill(0) : new Float64Array(this.#length);
  }

  give(histogram: Float64Array): void {
    this.#free.push(histogram);
  }
}

export function* countHistogram(binned: BinnedMatrix, { rows, start, end }: RowRange, values: Gradients, into: Float64Array): Steps<void> {
  const rowsPerYield = Math.max(1, Math.floor(CELLS_PER_YIELD / binned.width));
  const offsets = binned.offsets.map((offset) => offset * STRIDE);
  for (let from = start; from < end; from += rowsPerYield) {
    const to = Math.min(end, from + rowsPerYield);
    const target = { bins: binned.bins, offsets, histogram: into };
    if (values.isHessianOne) countGradients(target, rows, { start: from, end: to }, values.gradients);
    else countBoth(target, rows, { start: from, end: to }, values);
    if (to < end) yield;
  }
}

interface Target {
  readonly bins: Uint8Array;
  readonly offsets: Int32Array;
  readonly histogram: Float64Array;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function countGradients({ bins, offsets, histogram }: Target, rows: Int32Array, { start, end }: Range, gradients: Float64Array): void {
  const width = offsets.length;
  for (let at = start; at < end; at += 1) {
    const row = rows[at]!;
    const gradient = gradients[row]!;
    for (let column = 0, cell = row * width; column < width; column += 1, cell += 1) {
      const bin = offsets[column]! + bins[cell]! * STRIDE;
      histogram[bin]! += gradient;
      histogram[bin + 2]! += 1;
    }
  }
}

function countBoth({ bins, offsets, histogram }: Target, rows: Int32Array, { start, end }: Range, values: Gradients): void {
  const { gradients, hessians } = values;
  const width = offsets.length;
  for (let at = start; at < end; at += 1) {
    const row = rows[at]!;
    const gradient = gradients[row]!;
    const hessian = hessians[row]!;
    for (let column = 0, cell = row * width; column < width; column += 1, cell += 1) {
      const bin = offsets[column]! + bins[cell]! * STRIDE;
      histogram[bin]! += gradient;
      histogram[bin + 1]! += hessian;
      histogram[bin + 2]! += 1;
    }
  }
}

/** The parent's histogram becomes that of the sibling. */
export function subtractHistogram(parent: Float64Array, child: Float64Array): void {
  for (let at = 0; at < parent.length; at += 1) parent[at]! -= child[at]!;
}
