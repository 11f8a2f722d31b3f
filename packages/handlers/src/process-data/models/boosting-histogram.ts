/**
 * Per bin of a node: sum of gradients, sum of hessians, rows. Only the smaller of two siblings is counted from its rows;
 * the other is what is left of the parent. Where all hessians are 1 their sums are the rows and are not counted.
 *
 * Rows are counted in blocks, column by column: a block's gradients and the bins of one column stay in the fastest
 * cache.
 */
import type { BinnedColumn, BinnedMatrix } from "./binned-matrix.ts";
import type { Steps } from "./pacing.ts";

export const STRIDE = 3;
/** Their gradients and hessians fill 32 KiB. */
const BLOCK_ROWS = 2_048;
/** Cells read between two yields: about a millisecond. */
const CELLS_PER_YIELD = 400_000;

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

export class HistogramCounter {
  readonly #columns: readonly BinnedColumn[];
  readonly #rows = new Int32Array(BLOCK_ROWS);
  readonly #gradients = new Float64Array(BLOCK_ROWS);
  readonly #hessians = new Float64Array(BLOCK_ROWS);

  constructor({ columns }: BinnedMatrix) {
    this.#columns = columns;
  }

  *count({ rows, start, end }: RowRange, values: Gradients, histogram: Float64Array): Steps<void> {
    const rowsPerYield = BLOCK_ROWS * Math.ceil(CELLS_PER_YIELD / BLOCK_ROWS / this.#columns.length);
    for (let from = start; from < end; from += rowsPerYield) {
      this.#countRows(rows.subarray(from, Math.min(end, from + rowsPerYield)), values, histogram);
      if (from + rowsPerYield < end) yield;
    }
  }

  #countRows(rows: Int32Array, values: Gradients, histogram: Float64Array): void {
    for (let from = 0; from < rows.length; from += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, rows.length - from);
      this.#gather(rows.subarray(from, from + count), values);
      for (const column of this.#columns) {
        if (values.isHessianOne) this.#addGradients(column, histogram, count);
        else this.#addBoth(column, histogram, count);
      }
    }
  }

  #gather(block: Int32Array, { gradients, hessians, isHessianOne }: Gradients): void {
    const rows = this.#rows;
    const blockGradients = this.#gradients;
    const blockHessians = this.#hessians;
    for (let at = 0; at < block.length; at += 1) {
      const row = block[at]!;
      rows[at] = row;
      blockGradients[at] = gradients[row]!;
      if (!isHessianOne) blockHessians[at] = hessians[row]!;
    }
  }

  #addGradients({ codes, offset }: BinnedColumn, histogram: Float64Array, count: number): void {
    const rows = this.#rows;
    const gradients = this.#gradients;
    const base = offset * STRIDE;
    for (let at = 0; at < count; at += 1) {
      const bin = base + codes[rows[at]!]! * STRIDE;
      histogram[bin]! += gradients[at]!;
      histogram[bin + 2]! += 1;
    }
  }

  #addBoth({ codes, offset }: BinnedColumn, histogram: Float64Array, count: number): void {
    const rows = this.#rows;
    const gradients = this.#gradients;
    const hessians = this.#hessians;
    const base = offset * STRIDE;
    for (let at = 0; at < count; at += 1) {
      const bin = base + codes[rows[at]!]! * STRIDE;
      histogram[bin]! += gradients[at]!;
      histogram[bin + 1]! += hessians[at]!;
      histogram[bin + 2]! += 1;
    }
  }
}

/** The parent's histogram becomes that of the sibling. */
export function subtractHistogram(parent: Float64Array, child: Float64Array): void {
  for (let at = 0; at < parent.length; at += 1) parent[at]! -= child[at]!;
}
