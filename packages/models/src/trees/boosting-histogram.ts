/**
 * Per bin of a node: sum of gradients, sum of hessians, rows. Only the smaller of two siblings is counted from its rows;
 * the other is what is left of the parent.
 *
 * Rows are counted in blocks, four columns at a time, by counting-kernel.ts. Its memory holds the columns' codes, a block
 * and sums of its own, which become a histogram when all rows of a node are counted.
 */
import type { BinnedColumn, BinnedMatrix } from "./binned-matrix.ts";
import { COLUMN_BINS, createCountingKernel, QUAD_COLUMNS, type CountingKernel } from "./counting-kernel.ts";
import type { Steps } from "../pacing.ts";
import { giveMemory, takeMemory } from "../web-assembly.ts";

export const STRIDE = 3;
/** Their derivatives fill 16 KiB, half of the fastest cache. */
const BLOCK_ROWS = 1_024;
/** Cells read between two yields: about a millisecond. */
const CELLS_PER_YIELD = 400_000;

/** Gradient and hessian of each row in turn; 32 bits of them, because they are read out of order. */
export type Derivatives = Float32Array;

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
    return this.#free.pop() ?? new Float64Array(this.#length);
  }

  give(histogram: Float64Array): void {
    this.#free.push(histogram);
  }
}

export class HistogramCounter implements Disposable {
  readonly #memory: WebAssembly.Memory;
  readonly #matrix: BinnedMatrix;
  readonly #kernel: CountingKernel;
  readonly #quadCount: number;
  /** Codes of four columns in one word a row, quad after quad. */
  readonly #words: Int32Array;
  readonly #rows: Int32Array;
  readonly #derivatives: Float64Array;
  readonly #sums: Float64Array;
  readonly #counts: Int32Array;

  constructor(matrix: BinnedMatrix) {
    const { columns } = matrix;
    const rowCount = columns[0]?.codes.length ?? 0;
    const quadCount = Math.ceil(columns.length / QUAD_COLUMNS);
    const bins = quadCount * QUAD_COLUMNS * COLUMN_BINS;
    // Pairs of numbers first: they are read at once, and quicker where they are aligned.
    const derivativesEnd = 16 * BLOCK_ROWS;
    const sumsEnd = derivativesEnd + 16 * bins;
    const countsEnd = sumsEnd + 4 * bins;
    const rowsEnd = countsEnd + 4 * BLOCK_ROWS;
    const memory = takeMemory(rowsEnd + 4 * rowCount * quadCount);
    this.#memory = memory;
    this.#matrix = matrix;
    this.#kernel = createCountingKernel(memory);
    this.#quadCount = quadCount;
    this.#derivatives = new Float64Array(memory.buffer, 0, 2 * BLOCK_ROWS);
    this.#sums = new Float64Array(memory.buffer, derivativesEnd, 2 * bins);
    this.#counts = new Int32Array(memory.buffer, sumsEnd, bins);
    this.#rows = new Int32Array(memory.buffer, countsEnd, BLOCK_ROWS);
    this.#words = new Int32Array(memory.buffer, rowsEnd, rowCount * quadCount);
    this.#words.fill(0);
    columns.forEach(({ codes }, at) => {
      const words = this.#words.subarray(Math.floor(at / QUAD_COLUMNS) * rowCount);
      const shift = 8 * (at % QUAD_COLUMNS);
      for (let row = 0; row < rowCount; row += 1) words[row]! |= codes[row]! << shift;
    });
  }

  [Symbol.dispose](): void {
    giveMemory(this.#memory);
  }

  *count({ rows, start, end }: RowRange, values: Derivatives, histogram: Float64Array): Steps<void> {
    const rowsPerYield = BLOCK_ROWS * Math.ceil(CELLS_PER_YIELD / BLOCK_ROWS / (QUAD_COLUMNS * this.#quadCount));
    this.#sums.fill(0);
    this.#counts.fill(0);
    for (let from = start; from < end; from += rowsPerYield) {
      this.#countRows(rows.subarray(from, Math.min(end, from + rowsPerYield)), values);
      if (from + rowsPerYield < end) yield;
    }
    this.#matrix.columns.forEach((column, at) => this.#copyInto(histogram, column, at));
  }

  #countRows(rows: Int32Array, values: Derivatives): void {
    const rowCount = this.#words.length / this.#quadCount;
    for (let from = 0; from < rows.length; from += BLOCK_ROWS) {
      const block = rows.subarray(from, from + BLOCK_ROWS);
      this.#rows.set(block);
      gather(block, values, this.#derivatives);
      for (let quad = 0; quad < this.#quadCount; quad += 1) {
        const words = this.#words.byteOffset + 4 * rowCount * quad;
        const bins = quad * QUAD_COLUMNS * COLUMN_BINS;
        const sums = this.#sums.byteOffset + 16 * bins;
        const counts = this.#counts.byteOffset + 4 * bins;
        this.#kernel.addQuad(words, this.#rows.byteOffset, block.length, this.#derivatives.byteOffset, sums, counts);
      }
    }
  }

  #copyInto(histogram: Float64Array, { offset }: BinnedColumn, at: number): void {
    const sums = this.#sums;
    const counts = this.#counts;
    const end = this.#matrix.columns[at + 1]?.offset ?? this.#matrix.binCount;
    for (let bin = offset, from = at * COLUMN_BINS; bin < end; bin += 1, from += 1) {
      histogram[bin * STRIDE] = sums[2 * from]!;
      histogram[bin * STRIDE + 1] = sums[2 * from + 1]!;
      histogram[bin * STRIDE + 2] = counts[from]!;
    }
  }
}

function gather(rows: Int32Array, values: Derivatives, block: Float64Array): void {
  for (let at = 0; at < rows.length; at += 1) {
    const row = rows[at]!;
    block[2 * at] = values[2 * row]!;
    block[2 * at + 1] = values[2 * row + 1]!;
  }
}

/** The parent's histogram becomes that of the sibling. */
export function subtractHistogram(parent: Float64Array, child: Float64Array): void {
  for (let at = 0; at < parent.length; at += 1) parent[at]! -= child[at]!;
}
