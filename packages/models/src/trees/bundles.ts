/**
 * Columns of two values that are never both "on" in one row share one coded column (exclusive feature bundling, Ke et al.
 * 2017). One-hot encodings are such columns: a hundred of them are read in the passes of a dozen, and since nothing is
 * merged that differs, every split stays possible and exact.
 */

/** A column of two values: which rows hold the higher one. */
export interface TwoValued {
  readonly feature: number;
  readonly onRows: Int32Array;
}

export interface Bundle {
  /** 0: no member is on; 1 …: the member that is. */
  readonly codes: Uint8Array;
  /** Feature of member 1, 2, … */
  readonly features: readonly number[];
}

const MOST_MEMBERS = 255;
/** One-hot columns of one source follow each other: a column is tried in the newest bundles only. */
const BUNDLES_TRIED = 8;

/** The two values of a column, lower first, or undefined if it has others, or one only, or missing ones. */
export function twoValuesOf(values: Float64Array): readonly [number, number] | undefined {
  const first = values[0]!;
  let other = first;
  for (const value of values) {
    if (value === first || value === other) continue;
    if (other !== first || Number.isNaN(value) || Number.isNaN(first)) return undefined;
    other = value;
  }
  if (other === first) return undefined;
  return first < other ? [first, other] : [other, first];
}

export function twoValued(feature: number, values: Float64Array, on: number): TwoValued {
  let count = 0;
  for (const value of values) if (value === on) count += 1;
  const onRows = new Int32Array(count);
  for (let row = 0, at = 0; row < values.length; row += 1) if (values[row] === on) onRows[at++] = row;
  return { feature, onRows };
}

export function bundle(columns: readonly TwoValued[], rowCount: number): Bundle[] {
  const bundles: { readonly codes: Uint8Array; readonly features: number[] }[] = [];
  for (const { feature, onRows } of columns) {
    const tried = bundles.slice(-BUNDLES_TRIED);
    let home = tried.find(({ codes, features }) => features.length < MOST_MEMBERS && onRows.every((row) => codes[row] === 0));
    if (!home) {
      home = { codes: new Uint8Array(rowCount), features: [] };
      bundles.push(home);
    }
    home.features.push(feature);
    for (const row of onRows) home.codes[row] = home.features.length;
  }
  return bundles;
}
