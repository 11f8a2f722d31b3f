/**
 * CSV by DuckDB's own COPY, to a temporary name, renamed when whole. Dates are ISO, numbers plain, and no text can
 * become a formula: spreadsheets run a cell that begins with = + - @, tab or return, so such texts get an apostrophe in
 * front (the advice of OWASP, "CSV Injection"). Numbers are typed columns here: a negative one stays a number.
 */
import { rename } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "../duckdb/database.ts";
import type { DetailColumn } from "./detail.ts";
import { count, megabytes, whileWritten, type StageProgress } from "./progress.ts";

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
  const select = columns.map(({ name }) => (isText(types.get(name)) ? `${harmless(name)} AS ${name}` : name)).join(", ");
  tell(0, "Writing CSV");
  const writing = database.write(`COPY (SELECT ${select} FROM lines) TO $1 (FORMAT csv, HEADER)`, [partial]);
  const records = await whileWritten(writing, partial, (bytes) =>
    tell(0, `Writing CSV: ${megabytes(bytes)} so far`, { bytes_written: bytes }),
  );
  await rename(partial, path);
  tell(1, `${count(records)} rows written`, { rows_written: records });
  return { path, records };
}

async function columnTypes(database: Database): Promise<ReadonlyMap<string, string>> {
  const described = await database.rows<{ column_name: string; column_type: string }>("DESCRIBE lines");
  return new Map(described.map(({ column_name, column_type }) => [column_name, column_type]));
}

const isText = (type = ""): boolean => type === "VARCHAR" || type.startsWith("ENUM");

/** ascii() looks at one character and is several times cheaper than a regular expression on every row. */
const harmless = (column: string): string =>
  `CASE WHEN ascii(${column}::VARCHAR) IN (ascii('='), ascii('+'), ascii('-'), ascii('@'), 9, 13) THEN '''' || ${column}::VARCHAR ELSE ${column}::VARCHAR END`;
