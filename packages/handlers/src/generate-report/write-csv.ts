/**
 * CSV by DuckDB's own COPY, to a temporary name, renamed when whole. Dates are ISO, numbers plain, and no text can
 * become a formula: spreadsheets run a cell that begins with = + - @, tab or return, so such texts get an apostrophe in
 * front (the advice of OWASP, "CSV Injection"). Numbers are typed columns here: a negative one stays a number.
 */
import { rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "./database.ts";
import { DETAIL_ROWS, type DetailColumn } from "./detail.ts";
import { count, whileWorking, type StageProgress } from "./progress.ts";

export interface WrittenFile {
  readonly path: string;
  /** Order lines in it. */
  readonly records: number;
}

export async function writeCsv(
  database: Database,
  columns: readonly DetailColumn[],
  folder: string,
  tell: StageProgress,
): Promise<WrittenFile> {
  const partial = join(folder, "report.csv.partial");
  const path = join(folder, "report.csv");
  const types = await columnTypes(database);
  const select = columns.map(({ name }) => (types.get(name) === "VARCHAR" ? `${harmless(name)} AS ${name}` : name)).join(", ");
  tell(0, "Writing CSV");
  const writing = database.run(`COPY (SELECT ${select} FROM ${DETAIL_ROWS}) TO $1 (FORMAT csv, HEADER)`, [partial]);
  const records = await whileWorking(writing, () => {
    void stat(partial).then(
      ({ size }) => tell(0, `Writing CSV: ${count(Math.round(size / 1_000_000))} MB so far`, { bytes_written: size }),
      () => undefined, // not there yet
    );
  });
  await rename(partial, path);
  tell(1, `${count(records)} rows written`, { rows_written: records });
  return { path, records };
}

async function columnTypes(database: Database): Promise<ReadonlyMap<string, string>> {
  const described = await database.rows<{ column_name: string; column_type: string }>(`DESCRIBE SELECT * FROM ${DETAIL_ROWS}`);
  return new Map(described.map(({ column_name, column_type }) => [column_name, column_type]));
}

/** ascii() looks at one character and is several times cheaper than a regular expression on every row. */
const harmless = (column: string): string =>
  `CASE WHEN ascii(${column}) IN (ascii('='), ascii('+'), ascii('-'), ascii('@'), 9, 13) THEN '''' || ${column} ELSE ${column} END`;
