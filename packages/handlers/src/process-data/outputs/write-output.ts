/** The predictions of every row, with its ids, as one file in the format asked for; and the first of them for the result. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject } from "@streamer/protocol";
import type { Database } from "../../duckdb/database.ts";
import { safeForCsv } from "../../duckdb/safe-csv.ts";
import { identifier, literal } from "../../duckdb/sql.ts";
import type { OutputFormat, ProcessInput } from "../input.ts";
import { distinctNames } from "../names.ts";
import { megabytes, whileWorking, type Tell } from "../progress.ts";
import { idSql, type IdColumn } from "./id-columns.ts";

export interface OutputFile {
  readonly path: string;
  readonly rows: number;
}

export interface OutputTerms {
  readonly input: ProcessInput;
  readonly ids: readonly IdColumn[];
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
  const select = outputSql(terms, format);
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
    `SELECT to_json(shown)::VARCHAR AS json FROM (${outputSql(terms, "json")} LIMIT ${preview_rows}) AS shown`,
  );
  return rows.map(({ json }) => JSON.parse(json) as JsonObject);
}

function outputSql(terms: OutputTerms, format: OutputFormat): string {
  const names = outputNames(terms).map(({ to }) => to);
  const cells = columnsOf(terms, format).map(({ sql }, place) => `${sql} AS ${identifier(names[place]!)}`);
  return `SELECT ${cells.join(", ")} FROM scores JOIN clean USING (row) ${
    terms.ids.length > 0 ? "JOIN raw ON raw.rowid = clean.row " : ""
  }ORDER BY clean.row`;
}

function columnsOf(
  { shown, ids, actual, part }: OutputTerms,
  format: OutputFormat,
): readonly { readonly name: string; readonly sql: string }[] {
  const ours = [
    ...(actual === undefined ? [] : [{ name: "actual", sql: "clean.label" }]),
    ...shown,
    ...(part === undefined ? [] : [{ name: "part", sql: part }]),
  ];
  // An id that is called like one of our columns keeps its values and gives way in name.
  const taken = new Set(["row", ...ours.map(({ name }) => name.toLowerCase())]);
  const idColumns = ids.map((id) => ({ name: taken.has(id.name.toLowerCase()) ? `id_${id.name}` : id.name, sql: idSql(id, format) }));
  return [{ name: "row", sql: "clean.row + 1" }, ...idColumns, ...ours];
}

/** What the columns are called: no two alike but for their case. */
function outputNames(terms: OutputTerms): readonly { readonly from: string; readonly to: string }[] {
  const columns = columnsOf(terms, "json");
  const names = distinctNames(columns.map(({ name }) => name));
  return columns.map(({ name: from }, place) => ({ from, to: names[place]! }));
}

/** Those that could not keep their name. */
export const renamedOutputs = (terms: OutputTerms): readonly { readonly from: string; readonly to: string }[] =>
  outputNames(terms).filter(({ from, to }) => from !== to);
