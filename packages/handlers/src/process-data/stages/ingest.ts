/** Stage 1: the source becomes the table `raw`, row by row as it came; the next attempt opens a copy of its database. */
import { createWriteStream } from "node:fs";
import { copyFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { openDatabase, type Database } from "../../duckdb/database.ts";
import { identifier } from "../../duckdb/sql.ts";
import { guessedSize, stageCosts } from "../costs.ts";
import { describeFile, openDataFile, type DataFile, type OpenedFile } from "../ingest/data-files.ts";
import type { BadRow } from "../ingest/bad-rows.ts";
import { readFile, type ReadTable } from "../ingest/read-file.ts";
import { readStream } from "../ingest/read-channel.ts";
import { runQuery, tooMuchMemory } from "../ingest/run-query.ts";
import type { FileForm } from "../ingest/file-form.ts";
import { openSaved } from "../learning/saved-model.ts";
import { MAX_COLUMNS, tooManyColumns, type DataSource } from "../input.ts";
import { rawColumns, type RawColumn } from "../preprocess/columns.ts";
import { invalid } from "../problem.ts";
import { count, part, type Tell } from "../progress.ts";
import { databaseOptions, type Run } from "../run.ts";
import type { StageStore } from "../stage-store.ts";

export interface Ingested {
  readonly rows: number;
  readonly bytes: number;
  readonly badRows: { readonly count: number; readonly samples: readonly BadRow[] };
  readonly columns: readonly RawColumn[];
  /** What the files were found to be. */
  readonly forms: readonly FileForm[];
  /** The same for the same rows in the same order, read from the same kind of file. */
  readonly fingerprint: string;
}

interface Stored extends Ingested {
  /** The database and, where it has one, its log: only together are they the table. */
  readonly files: readonly string[];
}

/** Attempts that may begin a query: one may die with its server; a second death is the query's. */
const MAX_QUERY_STARTS = 2;
/** A file of an earlier request of the same user. */
const EARLIER_OUTPUT = /^request:([^/]{1,128})\/([^/]{1,200})$/;

export async function ingest(run: Run, stages: StageStore): Promise<{ readonly database: Database; readonly ingested: Ingested }> {
  const tell = run.progress.stage("ingest");
  const earlier = await takenOver(run, stages);
  if (earlier) {
    const { rows, bytes, columns } = earlier.ingested;
    run.progress.expect(stageCosts(run.input, { bytes, rows, columns: columns.length }));
    tell(1, `${count(earlier.ingested.rows)} rows, read by an earlier attempt`, { rows_read: earlier.ingested.rows });
    return earlier;
  }
  tell(0, `Opening the ${run.input.data_source.type}`);
  const { database, table, bytes } = await readSource(run, stages, part(tell, 0, 0.9));
  await using closing = disposeOnError(database);
  const columns = await usableColumns(database);
  const [fingerprint, files] = await Promise.all([fingerprintOf(database), keepDatabase(database, run, stages)]);
  const ingested: Ingested = {
    rows: table.rows,
    bytes,
    badRows: { count: table.badRows.count, samples: table.badRows.samples },
    columns,
    forms: table.forms,
    fingerprint,
  };
  await stages.finish(1, { ...ingested, files } satisfies Stored);
  run.progress.expect(stageCosts(run.input, { bytes, rows: table.rows, columns: columns.length }));
  tell(1, `${count(table.rows)} rows with ${columns.length} columns read`, {
    rows_read: table.rows,
    bytes_read: bytes,
    bad_rows: table.badRows.count,
  });
  closing.keep();
  return { database, ingested };
}

async function takenOver(run: Run, stages: StageStore): Promise<{ database: Database; ingested: Ingested } | undefined> {
  const stored = await stages.load<Stored>(1);
  if (!stored) return undefined;
  const { files, ...ingested } = stored;
  for (const file of files) if ((await stages.loadFile(file)) === undefined) return undefined;
  return { database: await openDatabase({ ...databaseOptions(run), name: basename(files[0]!, ".duckdb") }), ingested };
}

/**
 * Copied as it lies there, with nothing writing to it: a tenth of what writing the rows a second time would take. Named
 * by the attempt, so that a database never meets the log of another attempt's.
 */
async function keepDatabase({ path }: Database, { ctx, scratchFolder }: Run, stages: StageStore): Promise<readonly string[]> {
  const kept: string[] = [];
  for (const ending of ["", ".wal"]) {
    const name = `raw-${ctx.request.attempt}.duckdb${ending}`;
    const copy = join(scratchFolder, name);
    const isThere = await copyFile(`${path}${ending}`, copy).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
        return false;
      },
    );
    if (!isThere) continue;
    await stages.keepFile(name, copy);
    kept.push(name);
  }
  return kept;
}

interface Source {
  readonly database: Database;
  readonly table: ReadTable;
  readonly bytes: number;
}

async function readSource(run: Run, stages: StageStore, tell: Tell): Promise<Source> {
  const { input, ctx } = run;
  const { data_source: source } = input;
  if (source.type === "query") return readQuery(run, source, { stages, tell });
  await using opened = source.type === "file" ? await fileOf(run, source) : undefined;
  const file: DataFile | undefined = opened;
  if (file) run.progress.expect(stageCosts(input, guessedSize(file.sizeBytes)));
  const { dataFolder } = run.settings;
  const database = await openDatabase({ ...databaseOptions(run), ...(source.type === "file" && { dataFolder }) });
  await using closing = disposeOnError(database);
  const { scratchFolder } = run;
  const { maxFileBytes } = run.settings;
  const terms = { signal: ctx.signal, tell, scratchFolder, asText: await textColumns(run) };
  const table =
    source.type === "file"
      ? await readFile(database, file!, { table: "raw", config: source.config, maxFileBytes, ...terms })
      : await readStream(database, {
          streamId: source.stream_id,
          channel: run.channels.of(ctx.request, source.stream_id),
          pollMs: run.channels.pollMs,
          waitHereMs: run.settings.waitHereMs,
          keep: (waiting) => stages.keepWaiting(waiting),
          requestId: ctx.request.id,
          config: source.config,
          ...terms,
        });
  closing.keep();
  return { database, table, bytes: file?.sizeBytes ?? (await stat(join(run.scratchFolder, "stream.ndjson"))).size };
}

async function readQuery(
  run: Run,
  { query, config }: DataSource & { type: "query" },
  { stages, tell }: { stages: StageStore; tell: Tell },
): Promise<Source> {
  if (stages.refused) throw invalid(stages.refused.path, stages.refused.message);
  // The processes of two attempts died while it ran: a query's memory can outgrow every limit inside one step of DuckDB.
  if (stages.queries >= MAX_QUERY_STARTS) throw tooMuchMemory();
  await stages.queryStarts();
  const options = databaseOptions(run);
  const table = await runQuery({
    query,
    config,
    database: options,
    dataFolder: run.settings.dataFolder,
    maxFileBytes: run.settings.maxFileBytes,
    asText: await textColumns(run),
    endProcess: async (why) => {
      await stages.refuse(why);
      run.endProcess();
    },
    tell,
  });
  const database = await openDatabase(options);
  return { database, table, bytes: table.bytes };
}

/** Ids and classes keep their writing: "007" is not 7. So does what a model reads as text. */
async function textColumns({ input, ctx }: Run): Promise<ReadonlySet<string>> {
  const { target, id_columns = [], options } = input;
  const classes = target !== undefined && input.pipeline !== "regression" ? [target] : [];
  if (options.model_id === undefined) return new Set([...id_columns, ...classes]);
  const saved = await openSaved(ctx.blobs, options.model_id, input.pipeline);
  const texts = Object.entries(saved.readings).flatMap(([name, { kind }]) => (kind === "text" ? [name] : []));
  return new Set([...id_columns, ...texts, ...(saved.target?.kind === "class" ? [saved.target.column] : [])]);
}

async function fileOf({ input, settings, ctx, scratchFolder }: Run, { path, format }: DataSource & { type: "file" }): Promise<OpenedFile> {
  const { maxFileBytes } = settings;
  const [, requestId, name] = EARLIER_OUTPUT.exec(path) ?? [];
  if (requestId === undefined || name === undefined)
    return openDataFile(settings.dataFolder, { path, format }, { maxFileBytes, scratchFolder });
  const field = "data_source.path";
  const opened = await ctx.blobs.open(name, { requestId });
  if (!opened) throw invalid(field, `your request "${requestId}" has no file "${name}"`);
  if (opened.sizeBytes > maxFileBytes) throw invalid(field, `"${name}" is larger than the ${count(maxFileBytes)} bytes a run may read`);
  const copy = join(scratchFolder, `source-${name.replaceAll(/[^\w.-]/g, "_")}`);
  await pipeline(Readable.fromWeb(opened.body as never), createWriteStream(copy), { signal: ctx.signal });
  const file = await describeFile(copy, name, { format: format ?? (input.data_source as { format?: never }).format, maxFileBytes, field });
  // It is the run's own, and goes with its scratch.
  return { ...file, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** Checked once more when read: JSON and Parquet show their columns only then. */
async function usableColumns(database: Database): Promise<readonly RawColumn[]> {
  const columns = await rawColumns(database);
  if (columns.length > MAX_COLUMNS) {
    throw invalid("data_source", tooManyColumns("the data", count(columns.length)));
  }
  // DuckDB's own row number is called so, and a column of that name would hide it.
  const hiding = columns.find(({ name }) => name.toLowerCase() === "rowid");
  if (!hiding) return columns;
  await database.execute(`ALTER TABLE raw RENAME COLUMN ${identifier(hiding.name)} TO "row_id"`);
  return rawColumns(database);
}

async function fingerprintOf(database: Database): Promise<string> {
  const [row] = await database.rows<{ fingerprint: string }>(
    `SELECT md5(concat_ws(':', count(*), coalesce(bit_xor(hash("~row", rowid)), 0))) AS fingerprint FROM raw AS "~row"`,
  );
  return row?.fingerprint ?? "";
}

/** Closes a database when what follows its opening fails. */
function disposeOnError(database: Database): AsyncDisposable & { keep(): void } {
  let kept = false;
  return {
    keep: () => {
      kept = true;
    },
    async [Symbol.asyncDispose]() {
      if (!kept) await database[Symbol.asyncDispose]();
    },
  };
}
