/** Rows that could not be read: counted, a few of them shown, and fatal only above a limit. */
import type { JsonObject } from "@streamer/protocol";
import type { Database } from "../../duckdb/database.ts";
import { identifier } from "../../duckdb/sql.ts";
import { unusable } from "../problem.ts";

/** A row that could not be read, with what is known of where and why. */
export interface BadRow extends JsonObject {
  readonly line: number;
  readonly column: string | null;
  readonly problem: string;
  readonly text: string;
}

export interface BadRows {
  readonly count: number;
  /** Of them, those where a cell did not fit its column's type. */
  readonly casts: number;
  readonly samples: readonly BadRow[];
}

export const NO_BAD_ROWS: BadRows = { count: 0, casts: 0, samples: [] };
const MAX_SAMPLES = 10;
/** Of a row's text in a sample: enough to find it. */
const MAX_TEXT = 200;

/** What DuckDB's last CSV scan rejected. */
export async function csvBadRows(database: Database): Promise<BadRows> {
  const [counts] = await database.rows<{ count: number; casts: number }>(
    "SELECT count(DISTINCT line)::DOUBLE AS count, (count(DISTINCT line) FILTER (error_type = 'CAST'))::DOUBLE AS casts FROM reject_errors",
  );
  const samples = await database.rows<BadRow>(
    `SELECT line::DOUBLE AS line, any_value(column_name) AS column, any_value(split_part(error_message, chr(10), 1)) AS problem,
       any_value(left(csv_line, ${MAX_TEXT})) AS text FROM reject_errors GROUP BY line ORDER BY line LIMIT ${MAX_SAMPLES}`,
  );
  return { count: counts?.count ?? 0, casts: counts?.casts ?? 0, samples };
}

/** NDJSON lines that are no objects, or empty ones, come as rows without a value: they leave the table. */
export async function takeEmptyRows(database: Database, table: string): Promise<BadRows> {
  const name = identifier(table);
  const columns = await database.rows<{ column_name: string }>(`DESCRIBE ${name}`);
  const isEmpty = columns.map(({ column_name }) => `${identifier(column_name)} IS NULL`).join(" AND ");
  const empty = await database.rows<{ line: number }>(`SELECT (rowid + 1)::DOUBLE AS line FROM ${name} WHERE ${isEmpty} ORDER BY rowid`);
  if (empty.length === 0) return NO_BAD_ROWS;
  // Written anew, not deleted from: row numbers must stay without gaps.
  await database.execute(`CREATE TABLE "~kept" AS SELECT * FROM ${name} WHERE NOT (${isEmpty})`);
  await database.execute(`DROP TABLE ${name}`);
  await database.execute(`ALTER TABLE "~kept" RENAME TO ${name}`);
  const samples = empty
    .slice(0, MAX_SAMPLES)
    .map(({ line }) => ({ line, column: null, problem: "no JSON object with a value in it", text: "" }));
  return { count: empty.length, casts: 0, samples };
}

/** Throws when more of the rows are bad than `limit` allows, showing the first. */
export function limitBadRows({ count, samples }: BadRows, goodRows: number, { limit, name }: { limit: number; name: string }): void {
  const share = count / Math.max(1, count + goodRows);
  if (count === 0 || share <= limit) return;
  const [first] = samples;
  const where = first
    ? ` The first is line ${first.line}${first.column === null ? "" : `, column "${first.column}"`}: ${first.problem}`
    : "";
  throw unusable(
    `${count} of ${count + goodRows} rows of "${name}" cannot be read, more than data_source.config.bad_row_limit (${limit}) allows.${where}. ` +
      "Correct the file, or raise the limit.",
    { details: { bad_rows: count, samples: [...samples] } },
  );
}
