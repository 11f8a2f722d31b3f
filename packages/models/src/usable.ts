/** Refuses what no fit can use, with the column and row that show it: a NaN would otherwise spread through a model unseen. */
import type { Matrix } from "./matrix.ts";
import type { Steps } from "./pacing.ts";

export function* assertUsable(x: Matrix, missing: "allowed" | "refused"): Steps<void> {
  if (x.rowCount === 0) throw new RangeError("There are no rows to learn from.");
  if (x.columns.length === 0) throw new RangeError("There are no features to learn from.");
  for (let column = 0; column < x.columns.length; column += 1) {
    const values = x.columns[column]!;
    if (values.length !== x.rowCount) throw new RangeError(`Column "${x.names[column]}" has ${values.length} of ${x.rowCount} rows.`);
    const row = firstUnusable(values, missing);
    if (row >= 0) throw new RangeError(`Column "${x.names[column]}" has ${values[row]} in row ${row}; fill or drop it first.`);
    yield;
  }
}

function firstUnusable(values: Float64Array, missing: "allowed" | "refused"): number {
  if (missing === "allowed") return values.findIndex((value) => value === Infinity || value === -Infinity);
  for (let row = 0; row < values.length; row += 1) if (!Number.isFinite(values[row])) return row;
  return -1;
}
