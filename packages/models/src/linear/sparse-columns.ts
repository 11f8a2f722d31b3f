/**
 * Columns as linear models read them, in blocks of rows that stay in the cache. A column that is mostly zero (one-hot
 * encodings are) is kept as the rows and values that are not: the passes over adult-income's 108 columns cost a sixth.
 */
import type { Matrix } from "../matrix.ts";
import type { Steps } from "../pacing.ts";

export const BLOCK_ROWS = 4_096;
/** A list of rows costs a jump for each: it pays below about this share of cells. */
const SPARSE_BELOW = 0.3;

interface SparseColumn {
  readonly rows: Int32Array;
  readonly values: Float64Array;
  /** Where each block begins in `rows`; one more at the end. */
  readonly blockStarts: Int32Array;
}

export type LinearColumn =
  | { readonly dense: Float64Array; readonly sparse?: never }
  | { readonly sparse: SparseColumn; readonly dense?: never };

export function* linearColumns(x: Matrix): Steps<LinearColumn[]> {
  const columns: LinearColumn[] = [];
  for (const values of x.columns) {
    columns.push(linearColumn(values));
    yield;
  }
  return columns;
}

function linearColumn(values: Float64Array): LinearColumn {
  let filled = 0;
  for (const value of values) if (value !== 0) filled += 1;
  if (filled > SPARSE_BELOW * values.length) return { dense: values };
  const blockCount = Math.ceil(values.length / BLOCK_ROWS);
  const sparse = { rows: new Int32Array(filled), values: new Float64Array(filled), blockStarts: new Int32Array(blockCount + 1) };
  let at = 0;
  for (let row = 0; row < values.length; row += 1) {
    if (row % BLOCK_ROWS === 0) sparse.blockStarts[row / BLOCK_ROWS] = at;
    if (values[row] === 0) continue;
    sparse.rows[at] = row;
    sparse.values[at] = values[row]!;
    at += 1;
  }
  sparse.blockStarts[blockCount] = filled;
  return { sparse };
}

/** One block's rows and the numbers, one a row of the block, that belong to it. */
export interface Block {
  readonly index: number;
  readonly rowCount: number;
  readonly numbers: Float64Array;
}

/** numbers += weight × column, over the block. */
export function addColumn({ index, rowCount, numbers }: Block, column: LinearColumn, weight: number): void {
  const from = index * BLOCK_ROWS;
  if (column.dense) {
    const { dense } = column;
    for (let row = 0; row < rowCount; row += 1) numbers[row]! += weight * dense[from + row]!;
    return;
  }
  const { rows, values, blockStarts } = column.sparse;
  const end = blockStarts[index + 1]!;
  for (let at = blockStarts[index]!; at < end; at += 1) numbers[rows[at]! - from]! += weight * values[at]!;
}

/** Sum of numbers × column, over the block. */
export function dotColumn({ index, rowCount, numbers }: Block, column: LinearColumn): number {
  const from = index * BLOCK_ROWS;
  let total = 0;
  if (column.dense) {
    const { dense } = column;
    for (let row = 0; row < rowCount; row += 1) total += numbers[row]! * dense[from + row]!;
    return total;
  }
  const { rows, values, blockStarts } = column.sparse;
  const end = blockStarts[index + 1]!;
  for (let at = blockStarts[index]!; at < end; at += 1) total += numbers[rows[at]! - from]! * values[at]!;
  return total;
}
