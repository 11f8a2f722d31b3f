/**
 * Decides how the columns of training data are read. A column of texts is looked at in its first rows for what it could
 * be, and then in all of them for whether it is: at least MOSTLY of its values must be, and the others are counted. What
 * could be two things that mean different values (1,234 or 03/04/2024) is settled by the other columns of the file, or by
 * a value that only one of them allows, or refused with the setting to give.
 */
import type { Database } from "../../duckdb/database.ts";
import { identifier, literal } from "../../duckdb/sql.ts";
import { invalid } from "../problem.ts";
import type { RawColumn } from "./columns.ts";
import { guessColumns, inBatches, MOSTLY, numberKinds, type Guess, type ReadTerms } from "./guess-writing.ts";
import { isMoment, isNumeric, momentSql, PLAIN, presentSql, valueSql, type NumberRules, type Reading } from "./reading.ts";
import { NULL_TEXTS } from "./writing.ts";

export interface ReadColumn {
  readonly reading: Reading;
  /** Cells with something in them that is none of what the column is. */
  readonly unreadable: number;
  /** Texts other than the empty one that were taken for nothing. */
  readonly nullTexts: number;
  /** Texts that are numbers with a currency, a percent sign or a minus behind. */
  readonly numbersInTexts: boolean;
}

/** A number between signs that no program takes for a part of it; as RE2 has it. */
const DRESSED =
  "(?:[-+(]?\\s*(?:[€$£¥₹₽₩]|EUR|USD|GBP|CHF|JPY)\\s*[-+]?\\d[\\d.,' \u00A0]*|[-+]?\\d[\\d.,' \u00A0]*(?:[€$£¥₹₽₩%]|EUR|USD|GBP|CHF|JPY|-)|\\(\\d[\\d.,' \u00A0]*\\))\\)?\\s*";

export async function readColumns(
  database: Database,
  columns: readonly RawColumn[],
  terms: ReadTerms,
): Promise<ReadonlyMap<string, ReadColumn>> {
  const texts = columns.filter(({ type }) => type === "VARCHAR");
  const guessed = await guessColumns(database, texts, terms);
  const decimal = commonDecimal([...guessed.values()]);
  const kinds = new Map<RawColumn, Kind>();
  for (const column of columns) {
    const found = guessed.get(column);
    kinds.set(column, found ? await settle(database, found, { ...terms, column, decimal }) : typedKind(column));
  }
  return new Map(await inBatches(columns, (some) => check(database, some, { ...terms, kinds })));
}

type Kind =
  | { readonly kind: "number"; readonly numbers: NumberRules }
  | { readonly kind: "date"; readonly formats: readonly string[] }
  | { readonly kind: "text" };
const TEXT: Kind = { kind: "text" };

const typedKind = (column: RawColumn): Kind =>
  isNumeric(column) ? { kind: "number", numbers: PLAIN } : isMoment(column) ? { kind: "date", formats: [] } : TEXT;

/** The decimal mark of the columns that leave no doubt; undefined where there is none, or not one alone. */
function commonDecimal(guesses: readonly Guess[]): "." | "," | undefined {
  const isEuropean = guesses.some(({ european, plain, grouped }) => european && !plain && !grouped);
  const isPlain = guesses.some(({ european, plain, grouped }) => !european && (plain || grouped));
  return isEuropean === isPlain ? undefined : isEuropean ? "," : ".";
}

interface SettleTerms extends ReadTerms {
  readonly column: RawColumn;
  readonly decimal: "." | "," | undefined;
}

async function settle(database: Database, found: Guess, terms: SettleTerms): Promise<Kind> {
  const { plain, grouped, european } = found;
  const kinds = numberKinds(terms.rules);
  if (plain || grouped || european) {
    const points: Kind = { kind: "number", numbers: plain ? PLAIN : kinds.grouped! };
    const commas: Kind = { kind: "number", numbers: kinds.european! };
    if (!european) return points;
    if (!plain && !grouped) return commas;
    if (!found.differ) return points;
    if (terms.decimal !== undefined) return terms.decimal === "," ? commas : points;
    // 1.234 is a number as everybody's programs write it; 1,234 is one of two.
    if (plain) return points;
    return doubtful(database, terms, { what: "either of two numbers, by what the mark in them is", setting: 'decimal to "." or ","' });
  }
  if (found.iso) return { kind: "date", formats: [] };
  return settleDays(database, found, terms);
}

/** Where both orders fit the first rows, a day beyond the twelfth in any row tells them apart. */
async function settleDays(database: Database, { families }: Guess, terms: SettleTerms): Promise<Kind> {
  const [first, ...others] = families;
  if (!first) return TEXT;
  const rival = others.find(({ order }) => order !== undefined && order !== first.order);
  if (!rival || first.order === undefined) return { kind: "date", formats: first.formats };
  const name = identifier(terms.column.name);
  const [counts] = await database.rows<{ first: number; rival: number }>(
    `SELECT count(${momentSql(name, first.formats)})::DOUBLE AS first, count(${momentSql(name, rival.formats)})::DOUBLE AS rival FROM ${identifier(terms.table)}`,
  );
  if (counts!.first === counts!.rival) {
    const setting = `date_format to "${first.formats[0]}" or "${rival.formats[0]}"`;
    return doubtful(database, terms, { what: "days with the day or the month in front", setting });
  }
  return { kind: "date", formats: counts!.first > counts!.rival ? first.formats : rival.formats };
}

async function doubtful(
  database: Database,
  { column, table, doubt }: SettleTerms,
  { what, setting }: { readonly what: string; readonly setting: string },
): Promise<Kind> {
  if (doubt === "text") return TEXT;
  const name = identifier(column.name);
  const [row] = await database.rows<{ text: string }>(
    `SELECT left(${name}, 30) AS text FROM ${identifier(table)} WHERE ${presentSql(column, { nulls: NULL_TEXTS })} AND regexp_matches(${name}, '[.,/-]') LIMIT 1`,
  );
  throw invalid(
    "data_source.config",
    `column "${column.name}" holds values such as "${row?.text}", which may be ${what}; set data_source.config.${setting}`,
  );
}

const isDressed = (column: RawColumn, { kind }: Kind): string =>
  kind === "text" && column.type === "VARCHAR" ? `regexp_full_match(${identifier(column.name)}, ${literal(DRESSED)})` : "false";

async function check(
  database: Database,
  columns: readonly RawColumn[],
  { kinds, rules, table }: ReadTerms & { readonly kinds: ReadonlyMap<RawColumn, Kind> },
): Promise<(readonly [string, ReadColumn])[]> {
  const nulls = rules.null_values ?? NULL_TEXTS;
  const reading = (column: RawColumn): Reading => ({ ...kinds.get(column)!, nulls });
  const named = nulls.filter((text) => text !== "");
  const parts = columns.flatMap((column, index) => {
    const present = presentSql(column, { nulls });
    const isNull =
      column.type === "VARCHAR" && named.length > 0 ? `${identifier(column.name)} IN (${named.map(literal).join(", ")})` : "false";
    const value = kinds.get(column)!.kind === "text" ? "1" : valueSql(column, reading(column));
    return [
      `(count(*) FILTER (${present}))::DOUBLE AS n${index}`,
      `(count(${value}) FILTER (${present}))::DOUBLE AS v${index}`,
      `(count(*) FILTER (${isNull}))::DOUBLE AS z${index}`,
      `(count(*) FILTER (${present} AND ${isDressed(column, kinds.get(column)!)}))::DOUBLE AS s${index}`,
    ];
  });
  const [row = {}] = await database.rows<Record<string, number>>(`SELECT ${parts.join(", ")} FROM ${identifier(table)}`);
  return columns.map((column, index) => {
    const [values, read, nullTexts] = [row[`n${index}`]!, row[`v${index}`]!, row[`z${index}`]!];
    const numbersInTexts = values > 0 && row[`s${index}`]! >= MOSTLY * values;
    const isIt = column.type !== "VARCHAR" || read >= MOSTLY * values;
    const found = isIt ? { reading: reading(column), unreadable: values - read } : { reading: { ...TEXT, nulls }, unreadable: 0 };
    return [column.name, { ...found, nullTexts, numbersInTexts }];
  });
}
