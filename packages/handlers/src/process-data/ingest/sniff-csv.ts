/**
 * How a CSV file is written, and what its columns are, found on its first rows and then widened so that no later row is
 * changed by them. DuckDB casts a late "1.5" to BIGINT by rounding it, without a word, so whole numbers are read as
 * DOUBLE, dates as TIMESTAMP, and what has to keep its writing (ids, classes) as text; looking at every row first would
 * do the same at 2.3 times the cost. And where the first rows have no quotes it takes those of later rows for a part of
 * the text.
 */
import type { Database } from "../../duckdb/database.ts";
import { identifier, literal } from "../../duckdb/sql.ts";
import type { FileConfig } from "../input.ts";
import type { DataFile } from "./data-files.ts";

type CsvConfig = Pick<FileConfig, "null_values"> & Partial<FileConfig>;

export interface SniffedCsv {
  readonly delimiter: string;
  readonly quote: string;
  readonly escape: string;
  readonly comment: string;
  readonly skippedRows: number;
  readonly hasHeader: boolean;
  /** Undefined where dates, or times, are written as ISO 8601 has it. */
  readonly dateFormat: string | undefined;
  readonly timestampFormat: string | undefined;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/** A row of DuckDB's sniff_csv. */
interface Found extends Readonly<Record<"Delimiter" | "Quote" | "Escape" | "Comment" | "columns", string>> {
  readonly skipped: number;
  readonly HasHeader: boolean;
  readonly DateFormat: string | null;
  readonly TimestampFormat: string | null;
}

/** What DuckDB says where the first rows have no quote, escape or comment. */
const NONE = "(empty)";
/** Of RFC 4180. */
const QUOTE = '"';
const ISO_DATE = "%Y-%m-%d";
const WIDENED: Readonly<Record<string, string>> = {
  TINYINT: "DOUBLE",
  SMALLINT: "DOUBLE",
  INTEGER: "DOUBLE",
  BIGINT: "DOUBLE",
  HUGEINT: "DOUBLE",
  FLOAT: "DOUBLE",
  TIME: "VARCHAR",
};
/** The least DuckDB looks at: nothing is left to be found when a file is read. */
const FEW_ROWS = 2_048;

export async function sniffCsv(
  database: Database,
  file: DataFile,
  { config, sampleRows }: { readonly config: CsvConfig; readonly sampleRows: number },
): Promise<SniffedCsv> {
  const options = [
    literal(file.path),
    nullTexts(config),
    config.delimiter !== undefined && `delim = ${literal(config.delimiter)}`,
    config.quote !== undefined && `quote = ${literal(config.quote)}`,
    config.header !== undefined && `header = ${config.header}`,
    `sample_size = ${sampleRows}`,
    "ignore_errors = true",
  ].filter(Boolean);
  const [found] = await database.rows<Found>(
    `SELECT *, "SkipRows"::DOUBLE AS skipped, to_json("Columns")::VARCHAR AS columns FROM sniff_csv(${options.join(", ")})`,
  );
  const { Delimiter, Quote, Escape, Comment, skipped, HasHeader, DateFormat, TimestampFormat, columns } = found!;
  const quote = Quote === NONE ? QUOTE : Quote;
  return {
    delimiter: Delimiter,
    quote,
    escape: Escape === NONE ? quote : Escape,
    comment: Comment === NONE ? "" : Comment,
    skippedRows: skipped,
    hasHeader: HasHeader,
    dateFormat: DateFormat === null || DateFormat === ISO_DATE ? undefined : DateFormat,
    timestampFormat: TimestampFormat ?? undefined,
    columns: JSON.parse(columns) as SniffedCsv["columns"],
  };
}

/** How the table of a file is made, and what read_csv is told: all that was found, so that nothing is looked for twice. */
export function csvReading(
  csv: SniffedCsv,
  asText: ReadonlySet<string>,
): { readonly columns: string; readonly options: readonly string[] } {
  const { dateFormat, timestampFormat } = csv;
  // A date is no time where either is written in a way of its own.
  const widened = dateFormat === undefined && timestampFormat === undefined ? { ...WIDENED, DATE: "TIMESTAMP" } : WIDENED;
  const typeOf = (type: string): string => (type.startsWith("DECIMAL") ? "DOUBLE" : (widened[type] ?? type));
  const types = csv.columns.map(({ name, type }) => [name, asText.has(name) ? "VARCHAR" : typeOf(type)] as const);
  return {
    // No two ids are the same: looking for what repeats in them takes a seventh of the time, and finds nothing.
    columns: types
      .map(([name, type]) => `${identifier(name)} ${type}${asText.has(name) ? " USING COMPRESSION uncompressed" : ""}`)
      .join(", "),
    options: [
      `delim = ${literal(csv.delimiter)}`,
      `quote = ${literal(csv.quote)}`,
      `escape = ${literal(csv.escape)}`,
      `comment = ${literal(csv.comment)}`,
      `skip = ${csv.skippedRows}`,
      `header = ${csv.hasHeader}`,
      ...(dateFormat === undefined ? [] : [`dateformat = ${literal(dateFormat)}`]),
      ...(timestampFormat === undefined ? [] : [`timestampformat = ${literal(timestampFormat)}`]),
      `types = {${types.map(([name, type]) => `${literal(name)}: ${literal(type)}`).join(", ")}}`,
      `sample_size = ${FEW_ROWS}`,
    ],
  };
}

export const nullTexts = ({ null_values }: CsvConfig): string => `nullstr = [${null_values.map(literal).join(", ")}]`;
