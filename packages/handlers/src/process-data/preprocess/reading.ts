/**
 * How a column is read: as numbers, moments or texts, and by which rules of writing. Decided on the training rows
 * (read-columns.ts), saved with the model, and applied to every file that it scores: what a cell means depends on
 * the cell alone, and never on the others of its file or on the file's format.
 *
 * A typed value (Parquet, JSON, a query) is the number or moment that it is; as a text it is what CSV would hold: a
 * whole number without a fraction, `true` and `false`, days and moments in ISO.
 */
import { identifier, literal } from "../../duckdb/sql.ts";
import type { RawColumn } from "./columns.ts";

/** How numbers are written. Thousands are any of the characters. */
export interface NumberRules {
  readonly decimal: "." | ",";
  readonly thousands: string;
}

interface Common {
  /** Texts that mean that nothing is there. */
  readonly nulls: readonly string[];
}
export type Reading =
  | (Common & { readonly kind: "number"; readonly numbers: NumberRules })
  /** Formats of strptime, the first that fits; none where days are in ISO. */
  | (Common & { readonly kind: "date"; readonly formats: readonly string[] })
  | (Common & { readonly kind: "text" });

/** As SQL, JSON and most of the world's files write numbers. */
export const PLAIN: NumberRules = { decimal: ".", thousands: "" };

const NUMERIC = /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL.*)$/;
const FRACTIONAL = /^(FLOAT|DOUBLE|DECIMAL.*)$/;
const MOMENTS = /^(DATE|TIMESTAMP.*)$/;
/** Beyond this a double names no whole number exactly. */
const EXACT = "9007199254740992";

export const isNumeric = ({ type }: RawColumn): boolean => NUMERIC.test(type);
export const isMoment = ({ type }: RawColumn): boolean => MOMENTS.test(type);
const isText = ({ type }: RawColumn): boolean => /^(VARCHAR|ENUM.*|UUID|BOOLEAN)$/.test(type);
/** What no reading applies to: lists, structures, blobs. */
export const isReadable = (column: RawColumn): boolean => isNumeric(column) || isMoment(column) || isText(column);

/** As CSV would hold it. */
export function writtenSql(column: RawColumn): string {
  const name = identifier(column.name);
  if (column.type === "VARCHAR") return name;
  if (!FRACTIONAL.test(column.type)) return `${name}::VARCHAR`;
  return `CASE WHEN ${name} = trunc(${name}) AND abs(${name}) <= ${EXACT} THEN ${name}::BIGINT::VARCHAR ELSE ${name}::VARCHAR END`;
}

/** Whether there is something in the cell that wants to be read. */
export function presentSql(column: RawColumn, { nulls }: Pick<Reading, "nulls">): string {
  const name = identifier(column.name);
  // NaN is how programs write that there is no number; an infinite one is a value that cannot be read.
  if (/^(FLOAT|DOUBLE)$/.test(column.type)) return `(${name} IS NOT NULL AND NOT isnan(${name}))`;
  if (column.type !== "VARCHAR") return `(${name} IS NOT NULL)`;
  return nulls.length === 0 ? `(${name} IS NOT NULL)` : `coalesce(${name} NOT IN (${nulls.map(literal).join(", ")}), false)`;
}

/** The cell's value: DOUBLE for a number, seconds since 1970 for a moment, VARCHAR for a text; NULL where there is none, or none of this kind. */
export function valueSql(column: RawColumn, reading: Reading): string {
  const name = identifier(column.name);
  switch (reading.kind) {
    case "text":
      return column.type === "VARCHAR" && reading.nulls.length === 0
        ? name
        : `CASE WHEN ${presentSql(column, reading)} THEN ${writtenSql(column)} END`;
    case "number": {
      if (isMoment(column)) return "NULL::DOUBLE";
      const number = column.type === "VARCHAR" ? numberSql(name, reading.numbers) : `TRY_CAST(${name} AS DOUBLE)`;
      const value = `CASE WHEN isfinite(${number}) THEN ${number} END`;
      return column.type === "VARCHAR" && reading.nulls.some((text) => /\d/.test(text))
        ? `CASE WHEN ${presentSql(column, reading)} THEN ${value} END`
        : value;
    }
    case "date": {
      if (isNumeric(column)) return "NULL::DOUBLE";
      const moment = column.type === "VARCHAR" ? momentSql(name, reading.formats) : `TRY_CAST(${name} AS TIMESTAMP)`;
      return `CASE WHEN isfinite(${moment}) THEN epoch(${moment}) END`;
    }
  }
}

/** Of a class in a regular expression. */
const escaped = (characters: string): string => characters.replaceAll(/[\\\]^-]/g, (one) => `\\${one}`);

export function numberSql(text: string, { decimal, thousands }: NumberRules): string {
  if (decimal === "." && thousands === "") return `TRY_CAST(${text} AS DOUBLE)`;
  const plain = thousands === "" ? text : `translate(${text}, ${literal(thousands)}, '')`;
  const points = decimal === "." ? plain : `replace(${plain}, ',', '.')`;
  return `CASE WHEN regexp_full_match(${text}, ${literal(numberPattern({ decimal, thousands }))}) THEN TRY_CAST(${points} AS DOUBLE) END`;
}

/** Groups of three digits, or of two before the last as in India; a fraction; an exponent. Of RE2, which is linear. */
function numberPattern({ decimal, thousands }: NumberRules): string {
  const point = decimal === "." ? "\\." : ",";
  const groups = thousands === "" ? "" : `|\\d{1,3}(?:[${escaped(thousands)}]\\d{2,3})*[${escaped(thousands)}]\\d{3}`;
  return `\\s*[+-]?(?:\\d+${groups})(?:${point}\\d*)?(?:[eE][+-]?\\d+)?\\s*`;
}

/** Behind a time of day; Z needs no look. A cast to TIMESTAMP would drop it without a word. */
const OFFSET = ":[0-9]{2}[^+-]*[+-][0-9]{2}(:?[0-9]{2})?\\s*$";

/** A moment in UTC: what has an offset is turned into it, what has none is taken as it is. */
const isoSql = (text: string): string =>
  `CASE WHEN regexp_matches(${text}, ${literal(OFFSET)}) THEN TRY_CAST(${text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC' ELSE TRY_CAST(${text} AS TIMESTAMP) END`;

export function momentSql(text: string, formats: readonly string[]): string {
  const parsed = formats.length === 0 ? isoSql(text) : `try_strptime(trim(${text}), [${formats.map(literal).join(", ")}])`;
  // Two digits where four are due would be a year of the first century.
  return `CASE WHEN ${parsed} >= TIMESTAMP '1000-01-01' THEN ${parsed} END`;
}
