/** CSV by DuckDB's own COPY, to a temporary name, renamed when whole. Dates are ISO, numbers plain, and no text is a formula. */
import { rename } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject } from "@streamer/protocol";
import type { Database } from "../duckdb/database.ts";
import { safeForCsv } from "../duckdb/safe-csv.ts";
import type { Warning } from "../warnings.ts";
import type { DetailColumn } from "./detail.ts";
import { count, megabytes, whileWritten, type StageProgress } from "./progress.ts";

export interface WrittenFile {
  readonly path: string;
  /** Order lines in it. */
  readonly records: number;
  /** What the format could not say of the data. */
  readonly warnings?: readonly Warning[];
  /** What there is to tell of the file itself. */
  readonly stats?: JsonObject;
}

export async function writeCsv(
  database: Database,
  columns: readonly DetailColumn[],
  folder: string,
  tell: StageProgress,
): Promise<WrittenFile> {
  const partial = join(folder, "report.csv.partial");
  const path = join(folder, "report.csv");
  const select = await safeForCsv(database, `SELECT ${columns.map(({ name }) => name).join(", ")} FROM lines`);
  tell(0, "Writing CSV");
  const writing = database.write(`COPY (${select}) TO $1 (FORMAT csv, HEADER)`, [partial]);
  const records = await whileWritten(writing, partial, (bytes) =>
    tell(0, `Writing CSV: ${megabytes(bytes)} so far`, { bytes_written: bytes }),
  );
  await rename(partial, path);
  tell(1, `${count(records)} rows written`, { rows_written: records });
  return { path, records };
}
