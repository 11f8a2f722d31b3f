/**
 * The public data sets (fixtures/data), prepared by the protocol of reference_metrics.json: folds without random numbers,
 * and a preprocessing of its own (median, population standard deviation, one-hot), fitted on the training part, so that
 * the models are tested without the pipeline around them.
 */
import { DuckDBInstance } from "@duckdb/node-api";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Matrix } from "../src/matrix.ts";
import type { FitContext, Labels } from "../src/model.ts";
import { seededRandom } from "../src/random.ts";

const SETS = fileURLToPath(new URL("../../../fixtures/data/", import.meta.url));
const FOLDS = 5;

type Spread = Readonly<Record<"mean", number>>;
export type Reference = Readonly<Record<string, Readonly<Record<string, Spread>>>>;

export function reference(name: string): Reference {
  const { results } = JSON.parse(readFileSync(join(SETS, "reference_metrics.json"), "utf8")) as { results: Record<string, Reference> };
  return results[name]!;
}

type RawColumn = (number | string | null)[];
export interface RawTable {
  readonly rowCount: number;
  readonly columns: ReadonlyMap<string, RawColumn>;
}

const FILES = {
  penguins: "read_csv('penguins/penguins.csv', nullstr = 'NA')",
  wine: "read_json('wine-quality/wine_quality.ndjson.gz', format = 'newline_delimited')",
  adult: "read_csv('adult-income/adult_train.csv.gz')",
  diamonds: "read_csv('diamonds/diamonds.csv.gz')",
  annthyroid: "read_csv('annthyroid/annthyroid.csv.gz')",
};

/** In file order; numbers and texts as DuckDB infers them, missing is null. */
export async function readTable(name: keyof typeof FILES): Promise<RawTable> {
  const connection = await (await DuckDBInstance.create(":memory:", { threads: "1", file_search_path: SETS })).connect();
  const result = await connection.runAndReadAll(`SELECT * FROM ${FILES[name]}`);
  const columns = new Map(result.columnNames().map((column, at) => [column, result.getColumns()[at]!.map(plain)]));
  connection.closeSync();
  return { rowCount: result.currentRowCount, columns };
}

const plain = (value: unknown): number | string | null => (typeof value === "bigint" ? Number(value) : (value as number | string | null));

export const without = ({ rowCount, columns }: RawTable, ...names: readonly string[]): RawTable => ({
  rowCount,
  columns: new Map([...columns].filter(([name]) => !names.includes(name))),
});

/** Classes in ascending order of their names. */
export function labelsOf(values: RawColumn): Labels {
  const classes = [...new Set(values.map(String))].sort();
  return { codes: Int32Array.from(values, (value) => classes.indexOf(String(value))), classCount: classes.length };
}

/** Within each class the i-th row is in fold i mod 5. */
export function classFolds({ codes, classCount }: Labels): Int32Array {
  const seen = new Int32Array(classCount);
  return codes.map((code) => seen[code]!++ % FOLDS);
}

export const rowFolds = (rowCount: number): Int32Array => Int32Array.from({ length: rowCount }, (_, row) => row % FOLDS);

export interface Split {
  readonly trainRows: Int32Array;
  readonly testRows: Int32Array;
  readonly train: Matrix;
  readonly test: Matrix;
}

export function splits(table: RawTable, folds: Int32Array, count: number = FOLDS): Split[] {
  return Array.from({ length: count }, (_, fold) => {
    const rows = Int32Array.from(folds.keys());
    const trainRows = rows.filter((row) => folds[row] !== fold);
    const testRows = rows.filter((row) => folds[row] === fold);
    const { train, test } = prepare(table, trainRows, testRows);
    return { trainRows, testRows, train, test };
  });
}

/** Median, standardisation and one-hot, learned from the training rows. */
function prepare(table: RawTable, trainRows: Int32Array, testRows: Int32Array): { readonly train: Matrix; readonly test: Matrix } {
  const names: string[] = [];
  const train: Float64Array[] = [];
  const test: Float64Array[] = [];
  const add = (name: string, value: (row: number) => number): void => {
    names.push(name);
    train.push(filled(trainRows, value));
    test.push(filled(testRows, value));
  };
  for (const [name, values] of table.columns) {
    if (values.some((value) => typeof value === "string")) {
      const texts = values.map((value) => String(value ?? "missing"));
      const categories = [...new Set(Array.from(trainRows, (row) => texts[row]!))].sort();
      for (const category of categories) add(`${name}=${category}`, (row) => (texts[row] === category ? 1 : 0));
    } else {
      const numbers = values as (number | null)[];
      const known = Float64Array.from(Array.from(trainRows, (row) => numbers[row]!).filter((value) => value !== null)).sort();
      const median = (known[(known.length - 1) >> 1]! + known[known.length >> 1]!) / 2;
      const imputed = filled(trainRows, (row) => numbers[row] ?? median);
      const mean = imputed.reduce((total, value) => total + value, 0) / imputed.length;
      const deviation = Math.sqrt(imputed.reduce((total, value) => total + (value - mean) ** 2, 0) / imputed.length);
      add(name, (row) => ((numbers[row] ?? median) - mean) / (deviation || 1));
    }
  }
  const matrix = (columns: readonly Float64Array[], rows: Int32Array): Matrix => ({ rowCount: rows.length, names, columns });
  return { train: matrix(train, trainRows), test: matrix(test, testRows) };
}

/** A plain loop: `Float64Array.from` costs ten times as much, over a hundred columns and five folds that is seconds. */
function filled(rows: Int32Array, value: (row: number) => number): Float64Array {
  const values = new Float64Array(rows.length);
  for (let at = 0; at < rows.length; at += 1) values[at] = value(rows[at]!);
  return values;
}

/** All complete rows, standardised: what the clustering and anomaly protocols use. */
export function standardised(table: RawTable): { readonly x: Matrix; readonly rows: Int32Array } {
  const columns = [...table.columns.values()];
  const rows = Int32Array.from(
    Array.from({ length: table.rowCount }, (_, row) => row).filter((row) => columns.every((c) => c[row] !== null)),
  );
  return { x: prepare(table, rows, rows).train, rows };
}

export const take = <T extends Int32Array | Float64Array>(values: T, rows: Int32Array): T =>
  (values instanceof Int32Array ? rows.map((row) => values[row]!) : Float64Array.from(rows, (row) => values[row]!)) as T;

export const fitContext = (seed: number, signal: AbortSignal = new AbortController().signal): FitContext => ({
  signal,
  tell: () => {},
  random: seededRandom(seed),
});
