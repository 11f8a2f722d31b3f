/**
 * One DuckDB for one run: its own file and temporary folder in the run's scratch, gone with it.
 *
 * Locked down: it reads scratch, and a data folder where one is given, and nothing else on the machine (with `sealed` not even those); it
 * downloads no extension; and no SQL can change that, because the configuration is locked before a mapping's or a
 * user's SQL is first seen.
 * Bounded: tables live in the scratch file rather than in memory, so that five million rows need little more memory
 * than one. The limit covers DuckDB's buffers; with what it allocates beside them a report takes about 150 MB more.
 * Stoppable: an aborted signal interrupts whatever runs, and everything then rejects with the signal's reason.
 */
import { mkdir, realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  type DuckDBType,
  type DuckDBValue,
} from "@duckdb/node-api";
import { literal } from "./sql.ts";

/** DuckDB's buffers. 128 MB was as fast as 256 at five million rows, and 160 MB lower at its peak. */
export const DEFAULT_MEMORY_MB = 128;
/** More for each CSV or JSON file read at once: DuckDB reads them through 32 MB buffers, one per thread and one ahead. */
export const MEMORY_MB_PER_TEXT_FILE = 96;
/** Rows of one of DuckDB's vectors. */
export const CHUNK_ROWS = 2_048;
/** Threads of one run. Each takes buffers of its own, and several reports share a machine. */
const DEFAULT_THREADS = 2;
/** Spilled data is bounded too: a mapping that joins everything with everything must not fill the disk. */
const DEFAULT_SPILL_MB = 20_000;
/** An interrupt only stops what runs at that moment, and a report is many statements: it is repeated until closed. */
const INTERRUPT_EVERY_MS = 20;

export interface DatabaseOptions {
  /** Read as well, by SQL of ours or of the folder's owner. */
  readonly dataFolder?: string;
  readonly scratchFolder: string;
  readonly signal: AbortSignal;
  /** Names the file of its tables in scratch, which is opened again when it is there. Default report. */
  readonly name?: string;
  /** Reads no file at all: what it works on is in its tables already. */
  readonly sealed?: boolean;
  readonly memoryMb?: number;
  readonly threads?: number;
  /** In which a stamp with an offset becomes a day. Default UTC: never that of the server. */
  readonly timeZone?: string;
  /** Of what does not fit its memory, on disk. Default 20,000. */
  readonly spillMb?: number;
}

export interface Database {
  /** Runs a CREATE TABLE AS or a COPY; answers how many rows it wrote. */
  write(sql: string, values?: readonly DuckDBValue[]): Promise<number>;
  execute(sql: string): Promise<void>;
  /** The rows of a small result. Cast to DOUBLE, INTEGER or VARCHAR in the SQL: no bigint, no DuckDB object comes back. */
  rows<Row>(sql: string, values?: readonly DuckDBValue[]): Promise<readonly Row[]>;
  /** A result of any size, about two thousand rows at a time. */
  chunks(sql: string): AsyncGenerator<DuckDBDataChunk>;
  /** Appends rows to a table, column by column, at most `CHUNK_ROWS` at once. */
  append(table: string, types: readonly DuckDBType[], chunks: AsyncIterable<readonly ArrayLike<DuckDBValue>[]>): Promise<number>;
  /** How far the running statement is by DuckDB's own account, 0 to 1. */
  progress(): number;
  /** The file that holds its tables. */
  readonly path: string;
  /** Stops what still runs, waits for it and closes: closing under a running statement would crash the process. */
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { signal, memoryMb = DEFAULT_MEMORY_MB, threads = DEFAULT_THREADS, spillMb = DEFAULT_SPILL_MB } = options;
  const scratchFolder = resolve(options.scratchFolder);
  const temporary = join(scratchFolder, "spill");
  await mkdir(temporary, { recursive: true });
  signal.throwIfAborted();
  const path = join(scratchFolder, `${options.name ?? "report"}.duckdb`);
  const instance = await DuckDBInstance.create(path, {
    memory_limit: `${memoryMb}MB`,
    threads: String(threads),
    temp_directory: temporary,
    max_temp_directory_size: `${spillMb}MB`,
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connection = await instance.connect();
  const stop = stopOnAbort(connection, signal);
  const close = (): void => {
    stop();
    connection.closeSync();
    instance.closeSync();
  };
  try {
    const { dataFolder, sealed = false } = options;
    // DuckDB asks where a name really leads.
    const read = dataFolder === undefined ? [] : [resolve(dataFolder), await realpath(dataFolder).catch(() => resolve(dataFolder))];
    await connection.run(`SET TimeZone = ${literal(options.timeZone ?? "UTC")}`);
    await lockDown(connection, sealed ? [] : [...new Set([...read, scratchFolder])]);
  } catch (error) {
    close();
    throw error;
  }

  const running = new Set<Promise<unknown>>();
  let closed = false;
  /** What was interrupted failed because of the abort, and says so. */
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    if (closed) throw new Error("The run's database is closed.");
    const done = work();
    running.add(done);
    try {
      return await done;
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      running.delete(done);
    }
  };
  /** Prepared, so that a text of several statements is refused before any of them runs. */
  const prepared = async <T>(
    sql: string,
    values: readonly DuckDBValue[],
    use: (statement: DuckDBPreparedStatement) => Promise<T>,
  ): Promise<T> => {
    const statement = await connection.prepare(sql);
    try {
      statement.bind([...values]);
      return await use(statement);
    } finally {
      statement.destroySync();
    }
  };
  return {
    write: (sql, values = []) =>
      guarded(async () => {
        const [[rows] = []] = await prepared(sql, values, async (statement) => (await statement.run()).getRows());
        return Number(rows);
      }),
    execute: (sql) => guarded(() => prepared(sql, [], async (statement) => void (await statement.run()))),
    rows: <Row>(sql: string, values: readonly DuckDBValue[] = []) =>
      guarded(async () => (await prepared(sql, values, (statement) => statement.runAndReadAll())).getRowObjects() as Row[]),
    async *chunks(sql) {
      const result = await guarded(() => connection.stream(sql));
      for (;;) {
        const chunk = await guarded(() => result.fetchChunk());
        if (!chunk || chunk.rowCount === 0) return;
        yield chunk;
      }
    },
    append: (table, types, source) => guarded(() => appendChunks(connection, table, types, source)),
    progress: () => Math.max(0, connection.progress.percentage) / 100,
    path,
    async [Symbol.asyncDispose]() {
      closed = true;
      while (running.size > 0) {
        connection.interrupt();
        await Promise.race([Promise.allSettled(running), delay(INTERRUPT_EVERY_MS)]);
      }
      close();
    },
  };
}

async function appendChunks(
  connection: DuckDBConnection,
  table: string,
  types: readonly DuckDBType[],
  source: AsyncIterable<readonly ArrayLike<DuckDBValue>[]>,
): Promise<number> {
  const appender = await connection.createAppender(table);
  let rows = 0;
  try {
    for await (const columns of source) {
      const chunk = DuckDBDataChunk.create(types, columns[0]!.length);
      columns.forEach((column, index) => chunk.setColumnValues(index, column as readonly DuckDBValue[]));
      appender.appendDataChunk(chunk);
      rows += chunk.rowCount;
    }
  } finally {
    appender.closeSync();
  }
  return rows;
}

async function lockDown(connection: DuckDBConnection, folders: readonly string[]): Promise<void> {
  // Kept, and never printed: it is what `progress` reads.
  await connection.run("SET enable_progress_bar = true");
  await connection.run("SET enable_progress_bar_print = false");
  // On closing DuckDB would compress every table once more, and the file is scratch. What is open again reads the log.
  await connection.run("PRAGMA disable_checkpoint_on_shutdown");
  // An empty list of folders is no list: nothing is allowed then.
  if (folders.length > 0) await connection.run(`SET allowed_directories = [${folders.map((folder) => literal(`${folder}/`)).join(", ")}]`);
  await connection.run("SET enable_external_access = false");
  await connection.run("SET lock_configuration = true");
}

function stopOnAbort(connection: DuckDBConnection, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    connection.interrupt();
    timer ??= setInterval(() => connection.interrupt(), INTERRUPT_EVERY_MS);
  };
  signal.addEventListener("abort", interrupt, { once: true });
  return () => {
    signal.removeEventListener("abort", interrupt);
    clearInterval(timer);
  };
}
