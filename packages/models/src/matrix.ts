/**
 * Features as the models see them: column by column, one typed array each, because that is how DuckDB hands them over and
 * how every fit here reads them. A missing value is NaN; only models that say so accept it. Rows are never objects: a
 * million of them would cost more than the fit.
 */
export interface Matrix {
  readonly rowCount: number;
  readonly names: readonly string[];
  readonly columns: readonly Float64Array[];
}

/** Rows from `from` up to, not including, `to`: views, nothing is copied. */
export function rowWindow(x: Matrix, from: number, to: number): Matrix {
  return { rowCount: to - from, names: x.names, columns: x.columns.map((column) => column.subarray(from, to)) };
}

/** The given rows, in the given order, copied. */
export function takeRows(x: Matrix, rows: Int32Array): Matrix {
  return { rowCount: rows.length, names: x.names, columns: x.columns.map((column) => Float64Array.from(rows, (row) => column[row]!)) };
}

/** Row after row in one array: what distance computations read. */
export function rowMajor(x: Matrix): Float64Array {
  const width = x.columns.length;
  const cells = new Float64Array(x.rowCount * width);
  for (let column = 0; column < width; column += 1) {
    const values = x.columns[column]!;
    for (let row = 0, at = column; row < x.rowCount; row += 1, at += width) cells[at] = values[row]!;
  }
  return cells;
}
