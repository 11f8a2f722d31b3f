/**
 * One file into one table. DuckDB reads it; what is decided here is what a column's type may be.
 *
 * CSV types are found on the first rows, and then widened so that no later row is changed by them: DuckDB casts a late
 * "1.5" to BIGINT by rounding it, without a word, so whole numbers are read as DOUBLE, dates as TIMESTAMP, and what has
 * to keep its writing (ids, classes) as text. Looking at every row first would do the same at 2.3 times the cost.
 * Rows that do not fit are rejected, counted and sampled. When casts alone break the limit, the first rows were no guide:
 * then every row is looked at after all.
 */
import type { Database } from "../../duckdb/database.ts";
import { identifier, literal } from "../../duckdb/sql.ts";
import type { FileConfig } from "../input.ts";
import { duckdbReason, invalid, unusable } from "../problem.ts";
import { megabytes, whileWorking, type Tell } from "../progress.ts";
import { csvBadRows, limitBadRows, NO_BAD_ROWS, takeEmptyRows, type BadRows } from "./bad-rows.ts";
import type { DataFile } from "./data-files.ts";
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
const ALL_ROWS = -1;
const WIDENED: Readonly<Record<string, string>> = {
  TINYINT: "DOUBLE",
  SMALLINT: "DOUBLE",
  INTEGER: "DOUBLE",
  BIGINT: "DOUBLE",
  HUGEINT: "DOUBLE",
  FLOAT: "DOUBLE",
  DATE: "TIMESTAMP",
  TIME: "VARCHAR",
};

export async function readFile(database: Database, file: DataFile, reading: Reading): Promise<ReadTable> {
  const { config, field = "data_source.path" } = reading;
  await refuseWideHead(file, reading.signal, field);
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
  const dialect = [
    config.delimiter !== undefined && `delim = ${literal(config.delimiter)}`,
    config.quote !== undefined && `quote = ${literal(config.quote)}`,
    config.header !== undefined && `header = ${config.header}`,
    `nullstr = [${config.null_values.map(literal).join(", ")}]`,
    `sample_size = ${sampleRows}`,
    "ignore_errors = true",
  ].filter(Boolean);
  const path = literal(file.path);
  const sniffed = await database.rows<{ column_name: string; column_type: string }>(
    `DESCRIBE SELECT * FROM read_csv(${[path, ...dialect].join(", ")})`,
  );
  const types = sniffed.map(({ column_name, column_type }) => {
    const type = asText.has(column_name)
      ? "VARCHAR"
      : (WIDENED[column_type] ?? (column_type.startsWith("DECIMAL") ? "DOUBLE" : column_type));
    return `${literal(column_name)}: ${literal(type)}`;
  });
  const options = [
    path,
    ...dialect.filter((option) => option !== "ignore_errors = true"),
    "store_rejects = true",
    `types = {${types.join(", ")}}`,
  ];
  for (const name of ["reject_errors", "reject_scans"]) await database.execute(`DROP TABLE IF EXISTS ${name}`);
  await database.execute(
    `CREATE OR REPLACE TABLE ${identifier(table)} AS SELECT * FROM read_csv(${options.join(", ")})${limitOf(file, config)}`,
  );
  return csvBadRows(database);
}

async function readOther(database: Database, file: DataFile, { table, config }: Reading): Promise<BadRows> {
  const { path, format } = file;
  const source =
    format === "parquet"
      ? `read_parquet(${literal(path)})`
      : `read_json(${literal(path)}, records = true, sample_size = -1, maximum_object_size = 16777216, map_inference_threshold = -1, ${
          format === "ndjson" ? "format = 'newline_delimited', ignore_errors = true" : "format = 'auto'"
        })`;
  await database.execute(`CREATE OR REPLACE TABLE ${identifier(table)} AS SELECT * FROM ${source}${limitOf(file, config)}`);
  return format === "ndjson" ? takeEmptyRows(database, table) : NO_BAD_ROWS;
}

/**
 * A limit in the statement halves the speed of reading, because it keeps the threads in step. A plain file cannot hold
 * more than its size allows; a packed one can.
 */
const limitOf = ({ path, format }: DataFile, { max_rows }: Reading["config"]): string =>
  path.endsWith(".gz") || format === "parquet" ? ` LIMIT ${max_rows + 1}` : "";
