/**
 * One file into one table. DuckDB reads it; what is decided here is what a column's type may be.
 *
 * Rows that do not fit are rejected, counted and sampled. When casts alone break the limit, the first rows were no guide:
 * then every row is looked at after all.
 */
import type { Database } from "../../duckdb/database.ts";
import { identifier, literal } from "../../duckdb/sql.ts";
import { MAX_COLUMNS, tooManyColumns, type FileConfig } from "../input.ts";
import { duckdbReason, invalid, unusable } from "../problem.ts";
import { count, megabytes, whileWorking, type Tell } from "../progress.ts";
import { csvBadRows, limitBadRows, NO_BAD_ROWS, takeEmptyRows, type BadRows } from "./bad-rows.ts";
import type { DataFile } from "./data-files.ts";
import { csvReading, nullTexts, sniffCsv } from "./sniff-csv.ts";
import { refuseWideHead } from "./wide-head.ts";

export interface Reading {
  readonly table: string;
  readonly config: Pick<FileConfig, "bad_row_limit" | "max_rows" | "null_values"> & Partial<FileConfig>;
  /** Columns kept as they are written. */
  readonly asText: ReadonlySet<string>;
  readonly signal: AbortSignal;
  readonly tell: Tell;
  /** Names the file in errors. Default data_source.path. */
  readonly field?: string;
}

export interface ReadTable {
  readonly rows: number;
  readonly badRows: BadRows;
}

/** Rows whose types are looked at before the others are read. */
const FIRST_ROWS = 20_480;
/** Different keys that are counted for a message: enough to tell a wide table from what is none. */
const MAX_COUNTED_KEYS = 10_000;
/** Longest row of JSON. */
const MAX_OBJECT_BYTES = 16_777_216;
const ALL_ROWS = -1;
export async function readFile(database: Database, file: DataFile, reading: Reading): Promise<ReadTable> {
  const { config, field = "data_source.path" } = reading;
  await refuseWideHead(file, { delimiter: config.delimiter, signal: reading.signal, field });
  try {
    const badRows = await whileWorking(
      file.format === "csv" ? readCsv(database, file, reading) : readOther(database, file, reading),
      () => {
        const done = database.progress();
        reading.tell(done, `Reading ${file.name}: ${megabytes(done * file.sizeBytes)} of ${megabytes(file.sizeBytes)}`, {
          bytes_read: Math.round(done * file.sizeBytes),
          bytes_total: file.sizeBytes,
        });
      },
    );
    const [{ rows } = { rows: 0 }] = await database.rows<{ rows: number }>(
      `SELECT count(*)::DOUBLE AS rows FROM ${identifier(reading.table)}`,
    );
    limitBadRows(badRows, rows, { limit: config.bad_row_limit, name: file.name });
    if (rows > config.max_rows) {
      throw invalid(
        "data_source.config.max_rows",
        `"${file.name}" has more than ${config.max_rows.toLocaleString("en-US")} rows; raise max_rows, or take a part of it with a query`,
      );
    }
    if (rows === 0) throw invalid(field, `"${file.name}" holds no rows: there is nothing to learn from`);
    return { rows, badRows };
  } catch (error) {
    const reason = duckdbReason(error);
    if (reason === undefined || reason.startsWith("Out of Memory")) throw error;
    throw unusable(`"${file.name}" cannot be read as ${file.format}: ${reason}`, { cause: error });
  }
}

async function readCsv(database: Database, file: DataFile, reading: Reading): Promise<BadRows> {
  const badRows = await loadCsv(database, file, reading, FIRST_ROWS);
  const [{ rows } = { rows: 0 }] = await database.rows<{ rows: number }>(
    `SELECT count(*)::DOUBLE AS rows FROM ${identifier(reading.table)}`,
  );
  const tooMany = badRows.casts > reading.config.bad_row_limit * (rows + badRows.count);
  return tooMany ? loadCsv(database, file, reading, ALL_ROWS) : badRows;
}

async function loadCsv(database: Database, file: DataFile, { table, config, asText }: Reading, sampleRows: number): Promise<BadRows> {
  const { columns, options } = csvReading(await sniffCsv(database, file, { config, sampleRows }), asText);
  for (const name of ["reject_errors", "reject_scans"]) await database.execute(`DROP TABLE IF EXISTS ${name}`);
  const source = `read_csv(${[literal(file.path), nullTexts(config), ...options, "store_rejects = true"].join(", ")})`;
  await database.execute(`CREATE OR REPLACE TABLE ${identifier(table)} (${columns})`);
  await database.execute(`INSERT INTO ${identifier(table)} SELECT * FROM ${source}${limitOf(file, config)}`);
  return csvBadRows(database);
}

async function readOther(database: Database, file: DataFile, { table, config, field = "data_source.path" }: Reading): Promise<BadRows> {
  const { path, format } = file;
  if (format !== "parquet") await refuseWideRows(database, file, field);
  const source =
    format === "parquet"
      ? `read_parquet(${literal(path)})`
      : `read_json(${literal(path)}, records = true, sample_size = -1, maximum_object_size = ${MAX_OBJECT_BYTES}, map_inference_threshold = -1, ${
          format === "ndjson" ? "format = 'newline_delimited', ignore_errors = true" : "format = 'auto'"
        })`;
  await database.execute(`CREATE OR REPLACE TABLE ${identifier(table)} AS SELECT * FROM ${source}${limitOf(file, config)}`);
  return format === "ndjson" ? takeEmptyRows(database, table) : NO_BAD_ROWS;
}

/** Looked for first, and until there are too many: reading would take minutes to see it. */
async function refuseWideRows(database: Database, { path, name, format }: DataFile, field: string): Promise<void> {
  const objects = `read_json_objects(${literal(path)}, maximum_object_size = ${MAX_OBJECT_BYTES}, ${
    format === "ndjson" ? "format = 'newline_delimited', ignore_errors = true" : "format = 'auto'"
  })`;
  const [{ keys } = { keys: 0 }] = await database.rows<{ keys: number }>(
    `SELECT count(*)::DOUBLE AS keys FROM (SELECT DISTINCT unnest(json_keys(json)) FROM ${objects} LIMIT ${MAX_COUNTED_KEYS + 1})`,
  );
  if (keys > MAX_COLUMNS)
    throw invalid(field, tooManyColumns(`"${name}"`, keys > MAX_COUNTED_KEYS ? `more than ${count(MAX_COUNTED_KEYS)}` : count(keys)));
}

/**
 * A limit in the statement halves the speed of reading, because it keeps the threads in step. A plain file cannot hold
 * more than its size allows; a packed one can.
 */
const limitOf = ({ path, format }: DataFile, { max_rows }: Reading["config"]): string =>
  path.endsWith(".gz") || format === "parquet" ? ` LIMIT ${max_rows + 1}` : "";
