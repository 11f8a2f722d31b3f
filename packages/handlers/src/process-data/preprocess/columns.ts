/**
 * Which columns a run works with, and what each is: a number, a text or a moment. The types come from the source; a text
 * column that is numbers but for a few cells is numbers, and those cells are counted as missing.
 */
import type { Database } from "../../duckdb/database.ts";
import { identifier } from "../../duckdb/sql.ts";
import type { ProcessInput } from "../input.ts";
import { invalid, listed } from "../problem.ts";

export type Kind = "number" | "text" | "date";

export interface InputColumn {
  readonly name: string;
  readonly kind: Kind;
  /** Its name in the table `clean`. */
  readonly cell: string;
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
  /** Cells of a mostly numeric (or dated) text column that are neither, by column. */
  readonly unreadable: Readonly<Record<string, number>>;
}

const NUMBERS = /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL.*|BOOLEAN)$/;
const DATES = /^(DATE|TIMESTAMP.*)$/;
const TEXTS = /^(VARCHAR|ENUM.*|UUID)$/;
/** A text column is numbers when at least this part of its values are. */
const MOSTLY = 0.95;
/** Columns looked at in one statement: it bounds the statement, and progress moves between them. */
const BATCH = 25;

export async function rawColumns(database: Database): Promise<readonly RawColumn[]> {
  const rows = await database.rows<{ column_name: string; column_type: string }>("DESCRIBE raw");
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

export async function inputColumns(
  database: Database,
  wanted: readonly RawColumn[],
  asked: readonly string[] | undefined,
): Promise<Columns> {
  const texts = wanted.filter(({ type }) => TEXTS.test(type));
  const found = new Map<string, Kind>();
  const unreadable: Record<string, number> = {};
  for (let at = 0; at < texts.length; at += BATCH) {
    for (const [name, { kind, misfits }] of await textKinds(database, texts.slice(at, at + BATCH))) {
      found.set(name, kind);
      if (misfits > 0) unreadable[name] = misfits;
    }
  }
  const inputs: InputColumn[] = [];
  const dropped: Dropped[] = [];
  for (const { name, type } of wanted) {
    const kind = found.get(name) ?? (NUMBERS.test(type) ? "number" : DATES.test(type) ? "date" : undefined);
    if (kind) inputs.push({ name, kind, cell: `c${inputs.length}` });
    else if (asked)
      throw invalid("features", `"${name}" is of type ${type}, which cannot be a feature; choose columns of numbers, texts or dates`);
    else dropped.push({ column: name, reason: `type ${type} cannot be a feature` });
  }
  return { inputs, dropped, unreadable };
}

async function textKinds(database: Database, columns: readonly RawColumn[]): Promise<Map<string, { kind: Kind; misfits: number }>> {
  const parts = columns.flatMap(({ name }, index) => {
    const column = `${identifier(name)}::VARCHAR`;
    return [
      `count(${column})::DOUBLE AS n${index}`,
      `count(TRY_CAST(${column} AS DOUBLE))::DOUBLE AS x${index}`,
      `count(TRY_CAST(${column} AS TIMESTAMP))::DOUBLE AS t${index}`,
    ];
  });
  const [row = {}] = await database.rows<Record<string, number>>(`SELECT ${parts.join(", ")} FROM raw`);
  return new Map(
    columns.map(({ name }, index) => {
      const [values, numbers, dates] = [row[`n${index}`]!, row[`x${index}`]!, row[`t${index}`]!];
      const kind: Kind = values > 0 && numbers >= MOSTLY * values ? "number" : values > 0 && dates >= MOSTLY * values ? "date" : "text";
      return [name, { kind, misfits: kind === "number" ? values - numbers : kind === "date" ? values - dates : 0 }];
    }),
  );
}

/** A raw column as the table `clean` holds it. A number that is not finite is a missing one. */
export function cellSql({ name, kind }: Pick<InputColumn, "name" | "kind">): string {
  const column = identifier(name);
  if (kind === "text") return `${column}::VARCHAR`;
  if (kind === "date") return `epoch(TRY_CAST(${column} AS TIMESTAMP))`;
  const number = `TRY_CAST(${column} AS DOUBLE)`;
  return `CASE WHEN isfinite(${number}) THEN ${number} END`;
}
