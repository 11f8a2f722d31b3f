/**
 * JSON objects as a table. DuckDB's own reading makes days of texts that look so and one type of columns that hold two;
 * here a column is numbers or booleans where all its values are, and otherwise the texts that were written. Names may
 * differ in nothing but their case, and hold any character.
 */
import type { Database } from "../../duckdb/database.ts";
import { identifier, literal } from "../../duckdb/sql.ts";
import { distinctNames } from "../names.ts";
import type { DataFile } from "./data-files.ts";

/** Longest row of JSON. */
export const MAX_OBJECT_BYTES = 16_777_216;
/** Different keys that are counted for a message: enough to tell a wide table from what is none. */
export const MAX_COUNTED_KEYS = 10_000;

const jsonObjects = ({ path, format }: DataFile): string =>
  `read_json_objects(${literal(path)}, maximum_object_size = ${MAX_OBJECT_BYTES}, ${
    format === "ndjson" ? "format = 'newline_delimited', ignore_errors = true" : "format = 'auto'"
  })`;

/** In the order of the first object, then those that come later. */
export async function jsonKeys(database: Database, file: DataFile): Promise<readonly string[]> {
  const first = await database.rows<{ key: string }>(
    `SELECT unnest(json_keys(json)) AS key FROM (SELECT json FROM ${jsonObjects(file)} LIMIT 1)`,
  );
  const all = await database.rows<{ key: string }>(
    `SELECT DISTINCT unnest(json_keys(json)) AS key FROM ${jsonObjects(file)} LIMIT ${MAX_COUNTED_KEYS + 1}`,
  );
  const known = first.map(({ key }) => key);
  const later = all.map(({ key }) => key).filter((key) => !known.includes(key));
  return [...new Set([...known, ...later.toSorted()])];
}

/** Kinds of value a column holds, as bits. */
const KINDS = { text: 1, whole: 2, fraction: 4, boolean: 8, nested: 16 };
const kindSql = (type: string): string =>
  `CASE ${type} WHEN 'VARCHAR' THEN ${KINDS.text} WHEN 'BIGINT' THEN ${KINDS.whole} WHEN 'UBIGINT' THEN ${KINDS.whole} WHEN 'DOUBLE' THEN ${KINDS.fraction}
     WHEN 'BOOLEAN' THEN ${KINDS.boolean} WHEN 'ARRAY' THEN ${KINDS.nested} WHEN 'OBJECT' THEN ${KINDS.nested} ELSE 0 END`;
/** Columns looked at in one statement. */
const BATCH = 200;

export interface JsonTerms {
  readonly table: string;
  readonly keys: readonly string[];
  /** Columns kept as they are written. */
  readonly asText: ReadonlySet<string>;
  readonly limit: string;
}

export interface JsonTable {
  readonly names: readonly string[];
  /** Columns that are kept as texts and were whole numbers. */
  readonly whole: readonly string[];
}

export async function readJson(database: Database, file: DataFile, { table, keys, asText, limit }: JsonTerms): Promise<JsonTable> {
  const kinds: number[] = [];
  for (let at = 0; at < keys.length; at += BATCH) {
    const batch = keys.slice(at, at + BATCH);
    const parts = batch.map((_, index) => `coalesce(bit_or(${kindSql(`t[${index + 1}]`)}), 0)::DOUBLE AS k${index}`);
    const [row = {}] = await database.rows<Record<string, number>>(
      `SELECT ${parts.join(", ")} FROM (SELECT json_type(json, ${pointers(batch)}) AS t FROM ${jsonObjects(file)})`,
    );
    kinds.push(...batch.map((_, index) => row[`k${index}`]!));
  }
  const names = distinctNames(keys);
  const columns = keys.map((key, index) => `${cellSql(index + 1, kinds[index]!, asText.has(key))} AS ${identifier(names[index]!)}`);
  await database.execute(
    `CREATE OR REPLACE TABLE ${identifier(table)} AS SELECT ${columns.join(", ")} FROM (
       SELECT json_extract_string(json, ${pointers(keys)}) AS v, json_type(json, ${pointers(keys)}) AS t FROM ${jsonObjects(file)}${limit})`,
  );
  return { names, whole: names.filter((_, index) => kinds[index] === KINDS.whole && asText.has(keys[index]!)) };
}

/** JSON pointers (RFC 6901). */
const pointers = (keys: readonly string[]): string =>
  `[${keys.map((key) => literal(`/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`)).join(", ")}]`;

function cellSql(place: number, kinds: number, asText: boolean): string {
  const value = `v[${place}]`;
  if ((kinds & KINDS.nested) !== 0) return `${value}::JSON`;
  if (kinds === KINDS.boolean && !asText) return `${value}::BOOLEAN`;
  const isNumber = kinds === KINDS.whole || kinds === KINDS.fraction || kinds === (KINDS.whole | KINDS.fraction);
  if (isNumber && !asText) return `${value}::DOUBLE`;
  // A whole number is written without a fraction, as everywhere: 7.0 is 7.
  const whole = `t[${place}] = 'DOUBLE' AND abs(TRY_CAST(${value} AS DOUBLE)) <= 9007199254740992 AND TRY_CAST(${value} AS DOUBLE) = trunc(TRY_CAST(${value} AS DOUBLE))`;
  return (kinds & KINDS.fraction) === 0 ? value : `CASE WHEN ${whole} THEN TRY_CAST(${value} AS DOUBLE)::BIGINT::VARCHAR ELSE ${value} END`;
}
