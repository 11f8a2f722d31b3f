/** The predictions of every row, with its ids, as one file in the format asked for; and the first of them for the result. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject } from "@streamer/protocol";
import type { Database } from "../../duckdb/database.ts";
import { safeForCsv } from "../../duckdb/safe-csv.ts";
import { identifier, literal } from "../../duckdb/sql.ts";
import type { OutputFormat, ProcessInput } from "../input.ts";
import { megabytes, whileWorking, type Tell } from "../progress.ts";

export interface OutputFile {
  readonly path: string;
  readonly rows: number;
}

export interface OutputTerms {
  readonly input: ProcessInput;
  /** Output columns over `scores`, `clean` and `raw`. */
  readonly shown: readonly { readonly name: string; readonly sql: string }[];
  /** The label's column, when the data has one. */
  readonly actual: string | undefined;
  /** SQL over `clean`, saying how a row took part. */
  readonly part: string | undefined;
}

export const OUTPUT_TYPES: Readonly<Record<OutputFormat, { readonly contentType: string; readonly copy: string }>> = {
  json: { contentType: "application/json", copy: "FORMAT json, ARRAY true" },
  csv: { contentType: "text/csv; charset=utf-8", copy: "FORMAT csv, HEADER" },
  parquet: { contentType: "application/vnd.apache.parquet", copy: "FORMAT parquet" },
};

export async function writeOutput(
  database: Database,
  terms: OutputTerms,
  { folder, tell }: { folder: string; tell: Tell },
): Promise<OutputFile> {
  const { format } = terms.input.output;
  const path = join(folder, `predictions.${format}`);
  const select = outputSql(terms);
  const safe = format === "csv" ? await safeForCsv(database, select) : select;
  const copy = database.write(`COPY (${safe}) TO ${literal(path)} (${OUTPUT_TYPES[format].copy})`);
  const rows = await whileWorking(copy, async () => {
    const size = await stat(path).then(
      (stats) => stats.size,
      () => 0,
    );
    tell(0.5, `Writing ${format}: ${megabytes(size)}`, { bytes_written: size });
  });
  return { path, rows };
}

/** As JSON gives them: what the file holds, row by row. */
export async function previewRows(database: Database, terms: OutputTerms): Promise<readonly JsonObject[]> {
  const { preview_rows } = terms.input.options;
  if (preview_rows === 0) return [];
  const rows = await database.rows<{ json: string }>(
    `SELECT to_json(shown)::VARCHAR AS json FROM (${outputSql(terms)} LIMIT ${preview_rows}) AS shown`,
  );
  return rows.map(({ json }) => JSON.parse(json) as JsonObject);
}

function outputSql({ input, shown, actual, part }: OutputTerms): string {
  const ids = input.id_columns ?? [];
  const ours = [
    { name: "row", sql: "clean.row + 1" },
    ...(actual === undefined ? [] : [{ name: "actual", sql: "clean.label" }]),
    ...shown,
    ...(part === undefined ? [] : [{ name: "part", sql: part }]),
  ];
  // An id that is called like one of our columns keeps its values and gives way in name.
  const names = new Set(ours.map(({ name }) => name.toLowerCase()));
  const idColumns = ids.map((id) => `raw.${identifier(id)} AS ${identifier(names.has(id.toLowerCase()) ? `id_${id}` : id)}`);
  const [first, ...rest] = ours.map(({ name, sql }) => `${sql} AS ${identifier(name)}`);
  return `SELECT ${[first, ...idColumns, ...rest].join(", ")} FROM scores JOIN clean USING (row) ${
    ids.length > 0 ? "JOIN raw ON raw.rowid = clean.row " : ""
  }ORDER BY clean.row`;
}
