/** Which columns a run works with, and how each is read (read-columns.ts): as numbers, texts or moments. */
import type { Database } from "../../duckdb/database.ts";
import { identifier } from "../../duckdb/sql.ts";
import type { ProcessInput } from "../input.ts";
import { invalid, listed } from "../problem.ts";
import type { ReadColumn } from "./read-columns.ts";
import { isReadable, valueSql, type Reading } from "./reading.ts";

type Kind = "number" | "text" | "date";

export interface InputColumn {
  readonly name: string;
  readonly kind: Kind;
  /** Its name in the table `clean`. */
  readonly cell: string;
  readonly reading: Reading;
  /** Its values, over `raw`. */
  readonly sql: string;
}

export interface Dropped {
  readonly column: string;
  readonly reason: string;
}

export interface RawColumn {
  readonly name: string;
  readonly type: string;
}

export interface Columns {
  readonly inputs: readonly InputColumn[];
  readonly dropped: readonly Dropped[];
  /** Cells of a column of numbers or moments that are none, by column. */
  readonly unreadable: Readonly<Record<string, number>>;
  /** Cells that were taken for nothing because of what they say, such as NA, by column. */
  readonly nullTexts: Readonly<Record<string, number>>;
  /** Columns of texts that are numbers with a currency or the like. */
  readonly numbersInTexts: readonly string[];
}

export async function rawColumns(database: Database, table = "raw"): Promise<readonly RawColumn[]> {
  const rows = await database.rows<{ column_name: string; column_type: string }>(`DESCRIBE ${identifier(table)}`);
  return rows.map(({ column_name, column_type }) => ({ name: column_name, type: column_type }));
}

/** Refuses names the data does not have; answers the columns that may become features. */
export function candidates(input: ProcessInput, columns: readonly RawColumn[]): readonly RawColumn[] {
  const { target, features, id_columns = [] } = input;
  const names = columns.map(({ name }) => name);
  const refuseUnknown = (path: string, wanted: readonly string[]): void => {
    const unknown = wanted.filter((name) => !names.includes(name));
    if (unknown.length > 0) throw invalid(path, `the data has no column ${listed(unknown)}; it has ${listed(names)}`);
  };
  if (target !== undefined) refuseUnknown("target", [target]);
  refuseUnknown("id_columns", id_columns);
  refuseUnknown("features", features ?? []);
  const wanted = features ?? names.filter((name) => name !== target && !id_columns.includes(name));
  if (wanted.length === 0) throw invalid("features", "the data has no column to learn from besides target and id_columns");
  return columns.filter(({ name }) => wanted.includes(name));
}

/** Those of the columns that can be read, as inputs; the others are left out, or refused where they were asked for. */
export function inputColumns(
  wanted: readonly RawColumn[],
  readings: ReadonlyMap<string, ReadColumn>,
  asked: readonly string[] | undefined,
): Columns {
  const inputs: InputColumn[] = [];
  const dropped: Dropped[] = [];
  const counted = (count: (read: ReadColumn) => number): Record<string, number> =>
    Object.fromEntries(
      wanted.flatMap(({ name }) => (count(readings.get(name) ?? NOTHING) > 0 ? [[name, count(readings.get(name)!)]] : [])),
    );
  const numbersInTexts = wanted.flatMap(({ name }) => (readings.get(name)?.numbersInTexts === true ? [name] : []));
  for (const column of wanted) {
    const { name, type } = column;
    if (isReadable(column)) inputs.push(inputColumn(column, readings.get(name)!.reading, inputs.length));
    else if (asked)
      throw invalid("features", `"${name}" is of type ${type}, which cannot be a feature; choose columns of numbers, texts or dates`);
    else dropped.push({ column: name, reason: `type ${type} cannot be a feature` });
  }
  return {
    inputs,
    dropped,
    unreadable: counted(({ unreadable }) => unreadable),
    nullTexts: counted(({ nullTexts }) => nullTexts),
    numbersInTexts,
  };
}

const NOTHING: ReadColumn = { reading: { kind: "text", nulls: [] }, unreadable: 0, nullTexts: 0, numbersInTexts: false };

export const inputColumn = (column: RawColumn, reading: Reading, place: number): InputColumn => ({
  name: column.name,
  kind: reading.kind,
  cell: `c${place}`,
  reading,
  sql: valueSql(column, reading),
});
