/**
 * Ids in the output, exactly: as they were written, and never as a number that a reader of JSON would round. Whole numbers
 * beyond 2^53 are texts there, for all rows of a column alike.
 */
import type { Database } from "../../duckdb/database.ts";
import { identifier } from "../../duckdb/sql.ts";
import type { OutputFormat } from "../input.ts";
import type { Ingested } from "../stages/ingest.ts";

export interface IdColumn {
  readonly name: string;
  readonly type: string;
  /** Whole numbers that JSON holds: all of them, or none. */
  readonly isExactNumber: boolean;
}

const WHOLE = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/;
/** The largest whole number below which JSON keeps all. */
const MAX_EXACT = "9007199254740991";

export async function idColumns(database: Database, names: readonly string[], { columns, forms }: Ingested): Promise<readonly IdColumn[]> {
  const wasWhole = new Set(forms.flatMap(({ whole = [] }) => whole));
  const ids: IdColumn[] = [];
  for (const name of names) {
    const { type } = columns.find((column) => column.name === name)!;
    const isWhole = WHOLE.test(type) || wasWhole.has(name);
    ids.push({ name, type, isExactNumber: isWhole && (await isExact(database, name)) });
  }
  return ids;
}

async function isExact(database: Database, name: string): Promise<boolean> {
  const number = `TRY_CAST(${identifier(name)} AS HUGEINT)`;
  const [row] = await database.rows<{ exact: boolean | null }>(
    `SELECT bool_and(coalesce(${number} BETWEEN -${MAX_EXACT} AND ${MAX_EXACT}, false)) AS exact FROM raw WHERE ${identifier(name)} IS NOT NULL`,
  );
  return row?.exact ?? true;
}

export function idSql({ name, type, isExactNumber }: IdColumn, format: OutputFormat): string {
  const cell = `raw.${identifier(name)}`;
  if (isExactNumber) return type === "VARCHAR" ? `${cell}::BIGINT` : cell;
  // Parquet has no such number, and would round it.
  const isLarge = WHOLE.test(type) && (format === "json" || type.endsWith("HUGEINT"));
  return isLarge ? `${cell}::VARCHAR` : cell;
}
