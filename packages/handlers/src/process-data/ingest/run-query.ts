/**
 * A user's SQL, in three steps: the data sets it names are read into tables by our own SQL; the database is opened
 * again, sealed, and the query runs on those tables alone; then its result is kept and the rest dropped.
 *
 * Sealed: no file, no network, no extension, configuration locked, memory, spilled bytes, rows and time capped. What can
 * still go wrong is one value that outgrows the memory inside one step of DuckDB, where nothing can be interrupted: the
 * watch ends the process then, and the next attempt finds in its checkpoint how the last one ended.
 */
import { stat } from "node:fs/promises";
import { openDatabase, type DatabaseOptions } from "../../duckdb/database.ts";
import { identifier } from "../../duckdb/sql.ts";
import type { QueryConfig } from "../input.ts";
import { duckdbReason, invalid } from "../problem.ts";
import { count, megabytes, part, whileWorking, type Tell } from "../progress.ts";
import { dataSets, openDataFile } from "./data-files.ts";
import { queryShape } from "./query-shape.ts";
import { readFile, type ReadTable, type Reading } from "./read-file.ts";
import { NO_BAD_ROWS } from "./bad-rows.ts";
import { createDataSet, dropDataSet, textTable } from "./data-set.ts";
import type { FileForm } from "./file-form.ts";

export interface QueryRun {
  readonly query: string;
  readonly config: QueryConfig;
  readonly database: DatabaseOptions;
  readonly dataFolder: string;
  readonly maxFileBytes: number;
  readonly asText: ReadonlySet<string>;
  /** Ends this process, for a query that nothing else can stop; the next attempt says why. */
  readonly endProcess: (why: { readonly path: string; readonly message: string }) => Promise<void>;
  readonly tell: Tell;
}

const RESULT = "~result";
/** A run's process may take this beyond DuckDB's own limit before its query is stopped. */
const HEADROOM_BYTES = 1_500_000_000;
/** From the stop to the end of the process. */
const GRACE_MS = 1_000;
/** Tables and spilled rows of one query. */
const MAX_DISK_BYTES = 8_000_000_000;
const FIELD = "data_source.query";

/** Leaves the result in the table `raw` of the database `options.name`. */
export async function runQuery(run: QueryRun): Promise<ReadTable & { readonly bytes: number }> {
  const { tables, bytes, forms } = await loadDataSets(run);
  run.tell(0.5, `Running the query over ${tables.length === 0 ? "no data set" : tables.join(", ")}`, { bytes_read: bytes });
  await runSealed(run);
  await using database = await openDatabase(run.database);
  for (const table of tables) await dropDataSet(database, table);
  await database.execute(`ALTER TABLE ${identifier(RESULT)} RENAME TO raw`);
  const [{ rows } = { rows: 0 }] = await database.rows<{ rows: number }>("SELECT count(*)::DOUBLE AS rows FROM raw");
  if (rows > run.config.max_rows) {
    throw invalid(
      "data_source.config.max_rows",
      `the query gives more than ${count(run.config.max_rows)} rows; narrow it, or raise max_rows`,
    );
  }
  if (rows === 0) throw invalid(FIELD, "gives no rows: there is nothing to learn from");
  return { rows, badRows: NO_BAD_ROWS, bytes, forms };
}

async function loadDataSets({
  query,
  config,
  database: options,
  dataFolder,
  maxFileBytes,
  asText,
  tell,
}: QueryRun): Promise<{ tables: string[]; bytes: number; forms: FileForm[] }> {
  const sets = dataSets(dataFolder);
  await using database = await openDatabase({ ...options, dataFolder });
  const tables = [...(await queryShape(database, query, [...sets.keys()])).tables];
  let bytes = 0;
  const forms: FileForm[] = [];
  for (const [index, table] of tables.entries()) {
    const { scratchFolder } = options;
    await using file = await openDataFile(dataFolder, { path: sets.get(table)! }, { maxFileBytes, scratchFolder, field: FIELD });
    const reading: Reading = {
      table: textTable(table),
      config,
      asText,
      forSql: true,
      scratchFolder,
      maxFileBytes,
      signal: options.signal,
      tell: part(tell, (0.5 * index) / tables.length, (0.5 * (index + 1)) / tables.length),
      field: FIELD,
    };
    const read = await readFile(database, file, reading);
    await createDataSet(database, table, { rules: config, asText });
    forms.push(...read.forms);
    bytes += file.sizeBytes;
  }
  return { tables, bytes, forms };
}

async function runSealed({ query, config, database: options, endProcess, tell }: QueryRun): Promise<void> {
  const stopped = new AbortController();
  let stop: { readonly path: string; readonly message: string; readonly at: number; isLast?: boolean } | undefined;
  const stopFor = (path: string, message: string): void => {
    stop ??= { path, message, at: performance.now() };
    stopped.abort(invalid(path, message));
  };
  const maxBytes = (options.memoryMb ?? 0) * 1_000_000 + HEADROOM_BYTES;
  const startedAt = performance.now();
  const watch = async (path: string): Promise<void> => {
    if (performance.now() - startedAt > config.timeout_ms) {
      stopFor("data_source.config.timeout_ms", `the query ran longer than ${count(config.timeout_ms)} ms; narrow it, or raise timeout_ms`);
    }
    if (process.memoryUsage.rss() > maxBytes) stopFor(FIELD, TOO_MUCH_MEMORY);
    // An interrupt is heard between DuckDB's steps only. A cancelled run is ended by its engine, this one by itself.
    if (stop && !stop.isLast && performance.now() - stop.at > GRACE_MS) {
      stop.isLast = true;
      await endProcess({ path: stop.path, message: stop.message });
    }
    const { size } = await stat(path);
    if (size > MAX_DISK_BYTES) stopFor(FIELD, `its tables take more than ${megabytes(MAX_DISK_BYTES)} of disk; narrow it`);
    tell(0.5, `Query running: ${megabytes(size)} written`);
  };
  try {
    const signal = AbortSignal.any([options.signal, stopped.signal]);
    await using database = await openDatabase({ ...options, signal, sealed: true });
    // The line break ends a comment at the end of the user's text.
    const work = database.execute(
      `CREATE TABLE ${identifier(RESULT)} AS SELECT * FROM (${query.replace(/;\s*$/, "")}\n) LIMIT ${config.max_rows + 1}`,
    );
    await whileWorking(work, () => watch(database.path).catch(() => undefined));
  } catch (error) {
    const reason = duckdbReason(error);
    if (reason?.startsWith("Out of Memory")) throw invalid(FIELD, TOO_MUCH_MEMORY);
    if (reason !== undefined) throw invalid(FIELD, reason);
    throw error;
  }
}

const TOO_MUCH_MEMORY = "takes more memory than a run may have; aggregate earlier, or read fewer rows";
export const tooMuchMemory = (): Error => invalid(FIELD, TOO_MUCH_MEMORY);
