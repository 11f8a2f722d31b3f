/**
 * One file into one table. DuckDB reads it, and CSV as texts: what a column is, is decided on all of its rows
 * (preprocess/read-columns.ts), or by the model that scores them. Rows that do not fit are rejected, counted and sampled.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Database } from "../../duckdb/database.ts";
import { identifier, literal } from "../../duckdb/sql.ts";
import { MAX_COLUMNS, tooManyColumns, type FileConfig } from "../input.ts";
import { duckdbReason, invalid, unusable } from "../problem.ts";
import { count, megabytes, whileWorking, type Tell } from "../progress.ts";
import { csvBadRows, limitBadRows, NO_BAD_ROWS, takeEmptyRows, type BadRows } from "./bad-rows.ts";
import type { DataFile } from "./data-files.ts";
import type { FileForm } from "./file-form.ts";
import { withEqualLineEnds } from "./line-ends.ts";
import { jsonKeys, MAX_COUNTED_KEYS, MAX_OBJECT_BYTES, readJson, type JsonTable } from "./read-json.ts";
import { csvReading, firstLineOf, sniffCsv, type SniffedCsv } from "./sniff-csv.ts";
import { usableFile } from "./usable-file.ts";
import { refuseWideHead } from "./wide-head.ts";

export interface Reading {
  readonly table: string;
  readonly config: Pick<FileConfig, "bad_row_limit" | "max_rows"> & Partial<FileConfig>;
  /** Columns kept as they are written. */
  readonly asText: ReadonlySet<string>;
  /** For SQL: JSON has the types that DuckDB gives it. */
  readonly forSql?: boolean;
  readonly scratchFolder: string;
  readonly maxFileBytes: number;
  readonly signal: AbortSignal;
  readonly tell: Tell;
  /** Names the file in errors. Default data_source.path. */
  readonly field?: string;
}

export interface ReadTable {
  readonly rows: number;
  readonly badRows: BadRows;
  readonly forms: readonly FileForm[];
}

interface Loaded {
  readonly badRows: BadRows;
  readonly form: FileForm;
}

export async function readFile(database: Database, source: DataFile, reading: Reading): Promise<ReadTable> {
  const { config, field = "data_source.path" } = reading;
  await refuseWideHead(source, { delimiter: config.delimiter, signal: reading.signal, field });
  const { file, form } = await usableFile(source, reading);
  try {
    const loaded = await whileWorking(load(database, { file, form }, reading), () => {
      const done = database.progress();
      reading.tell(done, `Reading ${file.name}: ${megabytes(done * file.sizeBytes)} of ${megabytes(file.sizeBytes)}`, {
        bytes_read: Math.round(done * file.sizeBytes),
        bytes_total: file.sizeBytes,
      });
    });
    const [{ rows } = { rows: 0 }] = await database.rows<{ rows: number }>(
      `SELECT count(*)::DOUBLE AS rows FROM ${identifier(reading.table)}`,
    );
    limitBadRows(loaded.badRows, rows, { limit: config.bad_row_limit, name: file.name });
    if (rows > config.max_rows) {
      throw invalid(
        "data_source.config.max_rows",
        `"${file.name}" has more than ${config.max_rows.toLocaleString("en-US")} rows; raise max_rows, or take a part of it with a query`,
      );
    }
    if (rows === 0) throw invalid(field, `"${file.name}" holds no rows: there is nothing to learn from`);
    return { rows, badRows: loaded.badRows, forms: [loaded.form] };
  } catch (error) {
    const reason = duckdbReason(error);
    if (reason === undefined || reason.startsWith("Out of Memory")) throw error;
    throw unusable(`"${file.name}" cannot be read as ${form.format}: ${inWords(reason)}`, { cause: error });
  }
}

/** DuckDB's reason without the name it knows the file by, and with what to do. */
function inWords(reason: string): string {
  const [, what] = /^[^:]{1,60}Error: (.*)$/s.exec(reason) ?? [];
  if (/sniffing file/.test(reason)) {
    return "its lines do not agree on a delimiter, quotes and a number of cells. Give data_source.config.delimiter, quote and header, or look for a quote that is not closed";
  }
  const [, byte, unit, place, problem] =
    /^Malformed JSON in file "[^"]*", at byte (\d+) in (line|record\/value) (\d+): ([^.]*)/.exec(what ?? reason) ?? [];
  if (place !== undefined) {
    return `${unit === "line" ? "line" : "value"} ${place}, byte ${byte}, is no JSON (${problem}). Correct it, or remove it`;
  }
  if (/non-record JSON|expected records/.test(reason))
    return "it holds values that are no objects; give one object for each row, alone on its line or in one list";
  // The name is one of ours.
  return `${(what ?? reason).replaceAll(/ (?:in|from) file "[^"]*"|"(?:data|table|lines)-[^"]*"/g, "")} Correct the file, or save it anew`;
}

function load(database: Database, { file, form }: { readonly file: DataFile; readonly form: FileForm }, reading: Reading): Promise<Loaded> {
  if (file.format === "csv") return loadCsv(database, { file, form }, reading);
  if (file.format === "parquet") return loadParquet(database, { file, form }, reading);
  return loadJson(database, { file, form }, reading);
}

interface Found {
  readonly file: DataFile;
  readonly form: FileForm;
}

/** Where lines end in two ways DuckDB finds nothing, or gives up; a copy in which they do not is read then. */
async function loadCsv(database: Database, { file, form }: Found, reading: Reading): Promise<Loaded> {
  try {
    return await readCsv(database, { file, form }, reading);
  } catch (error) {
    if (!/sniffing file|state machine/.test(duckdbReason(error) ?? "")) throw error;
    const path = join(reading.scratchFolder, `lines-${randomUUID()}.csv`);
    await withEqualLineEnds(file.path, path, reading.signal);
    return await readCsv(database, { file: { ...file, path }, form }, reading);
  }
}

async function readCsv(database: Database, { file, form }: Found, { table, config, asText }: Reading): Promise<Loaded> {
  const csv = await sniffCsv(database, file, form.workbook ? { ...config, delimiter: ",", quote: '"', header: true } : config);
  for (const name of ["reject_errors", "reject_scans"]) await database.execute(`DROP TABLE IF EXISTS ${name}`);
  const { columns, options } = csvReading(csv, asText);
  await database.execute(`CREATE OR REPLACE TABLE ${identifier(table)} (${columns})`);
  const source = `read_csv(${[literal(file.path), ...options, "store_rejects = true"].join(", ")})`;
  await database.execute(`INSERT INTO ${identifier(table)} SELECT * FROM ${source}${limitOf(file, config)}`);
  const { delimiter, quote, hasHeader: header } = csv;
  const renamed = header ? renamedIn(await firstLineOf(database, file, csv), csv.columns) : [];
  return {
    badRows: await csvBadRows(database),
    form: { ...form, ...(!form.workbook && { csv: { delimiter, quote, header }, headerFound: config.header === undefined }), renamed },
  };
}

const renamedIn = (written: readonly string[], columns: SniffedCsv["columns"]): FileForm["renamed"] =>
  columns.flatMap(({ name }, at) => (written[at]!.trim() === name.trim() ? [] : [{ from: written[at]!, to: name }]));

async function loadParquet(database: Database, { file, form }: Found, { table, config }: Reading): Promise<Loaded> {
  await database.execute(
    `CREATE OR REPLACE TABLE ${identifier(table)} AS SELECT * FROM read_parquet(${literal(file.path)})${limitOf(file, config)}`,
  );
  return { badRows: NO_BAD_ROWS, form };
}

async function loadJson(database: Database, { file, form }: Found, reading: Reading): Promise<Loaded> {
  const { table, config, field = "data_source.path", asText } = reading;
  // Looked for first, and until there are too many: reading would take minutes to see it.
  const keys = await jsonKeys(database, file);
  if (keys.length > MAX_COLUMNS) {
    const many = keys.length > MAX_COUNTED_KEYS ? `more than ${count(MAX_COUNTED_KEYS)}` : count(keys.length);
    throw invalid(field, tooManyColumns(`"${file.name}"`, many));
  }
  const limit = limitOf(file, config);
  let read: JsonTable = { names: keys, whole: [] };
  if (reading.forSql === true || keys.length === 0) {
    const source = `read_json(${literal(file.path)}, records = true, sample_size = -1, maximum_object_size = ${MAX_OBJECT_BYTES}, map_inference_threshold = -1, ${
      file.format === "ndjson" ? "format = 'newline_delimited', ignore_errors = true" : "format = 'auto'"
    })`;
    await database.execute(`CREATE OR REPLACE TABLE ${identifier(table)} AS SELECT * FROM ${source}${limit}`);
  } else read = await readJson(database, file, { table, keys, asText, limit });
  const renamed = keys.flatMap((from, at) => (read.names[at] === from ? [] : [{ from, to: read.names[at]! }]));
  return {
    badRows: file.format === "ndjson" ? await takeEmptyRows(database, table) : NO_BAD_ROWS,
    form: { ...form, renamed, whole: read.whole },
  };
}

/**
 * A limit in the statement halves the speed of reading, because it keeps the threads in step. A plain file cannot hold
 * more than its size allows; a packed one can.
 */
const limitOf = ({ path, format }: DataFile, { max_rows }: Reading["config"]): string =>
  path.endsWith(".gz") || format === "parquet" ? ` LIMIT ${max_rows + 1}` : "";
