/**
 * How a CSV file is written: its delimiter, quotes and names, found on its first rows. Its cells are read as the texts
 * they are. Where the first rows have no quotes DuckDB would take those of later rows for a part of the text.
 */
import type { Database } from "../../duckdb/database.ts";
import { identifier, literal } from "../../duckdb/sql.ts";
import type { FileConfig } from "../input.ts";
import { NULL_TEXTS } from "../preprocess/writing.ts";
import type { DataFile } from "./data-files.ts";

export interface SniffedCsv {
  readonly delimiter: string;
  readonly quote: string;
  readonly escape: string;
  readonly comment: string;
  readonly skippedRows: number;
  readonly hasHeader: boolean;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/** A row of DuckDB's sniff_csv. */
interface Found extends Readonly<Record<"Delimiter" | "Quote" | "Escape" | "Comment" | "columns", string>> {
  readonly skipped: number;
  readonly HasHeader: boolean;
}

/** What DuckDB says where the first rows have no quote, escape or comment. */
const NONE = "(empty)";
/** Of RFC 4180. */
const QUOTE = '"';
/** Rows that are looked at. */
const FIRST_ROWS = 20_480;
/** The least DuckDB looks at: nothing is left to be found when a file is read. */
const FEW_ROWS = 2_048;
/** No cell is this: what is missing is decided later. */
const NO_NULLS = `nullstr = ['\u0001']`;

export async function sniffCsv(database: Database, file: DataFile, config: Partial<FileConfig>): Promise<SniffedCsv> {
  const options = [
    literal(file.path),
    `nullstr = [${(config.null_values ?? NULL_TEXTS).map(literal).join(", ")}]`,
    config.delimiter !== undefined && `delim = ${literal(config.delimiter)}`,
    config.quote !== undefined && `quote = ${literal(config.quote)}`,
    config.header !== undefined && `header = ${config.header}`,
    `sample_size = ${FIRST_ROWS}`,
    "ignore_errors = true",
  ].filter(Boolean);
  const [found] = await database.rows<Found>(
    `SELECT *, "SkipRows"::DOUBLE AS skipped, to_json("Columns")::VARCHAR AS columns FROM sniff_csv(${options.join(", ")})`,
  );
  const { Delimiter, Quote, Escape, Comment, skipped, HasHeader, columns } = found!;
  const quote = Quote === NONE ? QUOTE : Quote;
  return {
    delimiter: Delimiter,
    quote,
    escape: Escape === NONE ? quote : Escape,
    comment: Comment === NONE ? "" : Comment,
    skippedRows: skipped,
    hasHeader: HasHeader,
    columns: JSON.parse(columns) as SniffedCsv["columns"],
  };
}

const dialect = (csv: SniffedCsv): readonly string[] => [
  `delim = ${literal(csv.delimiter)}`,
  `quote = ${literal(csv.quote)}`,
  `escape = ${literal(csv.escape)}`,
  `comment = ${literal(csv.comment)}`,
  `skip = ${csv.skippedRows}`,
  NO_NULLS,
  `sample_size = ${FEW_ROWS}`,
];

/** How the table of a file is made, and what read_csv is told: all that was found, so that nothing is looked for twice. */
export function csvReading(
  csv: SniffedCsv,
  asText: ReadonlySet<string>,
): { readonly columns: string; readonly options: readonly string[] } {
  const names = csv.columns.map(({ name }) => name);
  return {
    // No two ids are the same: looking for what repeats in them takes a seventh of the time, and finds nothing.
    columns: names.map((name) => `${identifier(name)} VARCHAR${asText.has(name) ? " USING COMPRESSION uncompressed" : ""}`).join(", "),
    options: [...dialect(csv), `header = ${csv.hasHeader}`, `types = {${names.map((name) => `${literal(name)}: 'VARCHAR'`).join(", ")}}`],
  };
}

/** The names as the file writes them. */
export async function firstLineOf(database: Database, file: DataFile, csv: SniffedCsv): Promise<readonly string[]> {
  const places = csv.columns.map((_, place) => `c${place}`);
  const columns = `columns = {${places.map((place) => `${place}: 'VARCHAR'`).join(", ")}}`;
  const [row = {}] = await database.rows<Record<string, string | null>>(
    `SELECT * FROM read_csv(${[literal(file.path), ...dialect(csv), "header = false", "auto_detect = false", columns, "ignore_errors = true"].join(", ")}) LIMIT 1`,
  );
  return places.map((place) => row[place] ?? "");
}
