/**
 * What columns of texts could be, as far as their first rows show: numbers in one way of writing or another, days in ISO or
 * in families of formats.
 */
import type { Database } from "../../duckdb/database.ts";
import { identifier, literal } from "../../duckdb/sql.ts";
import type { RawColumn } from "./columns.ts";
import { momentSql, numberSql, PLAIN, presentSql, type NumberRules } from "./reading.ts";
import { dateFamilies, EUROPEAN, givenNumbers, GROUPED, likeDays, NULL_TEXTS, type DateFamily, type WritingRules } from "./writing.ts";

export interface ReadTerms {
  readonly rules: WritingRules;
  readonly table: string;
  /** Of a column that could be two things. */
  readonly doubt: "refuse" | "text";
}

/** A text column is numbers, or moments, when at least this part of its values are. */
export const MOSTLY = 0.95;
/** Rows looked at first. */
const FIRST_ROWS = 20_480;
/** Columns looked at in one statement: it bounds the statement, and progress moves between them. */
const BATCH = 25;
const DAYS_BATCH = 3;
/** Codes such as 0815: no number is written with a zero in front. */
const codeSql = (name: string): string => `(${name} > '00' AND ${name} < '0:')`;

/** What the values looked at allow. */
export interface Guess {
  readonly values: number;
  readonly plain: boolean;
  readonly grouped: boolean;
  readonly european: boolean;
  /** Whether it makes a difference which of them it is. */
  readonly differ: boolean;
  readonly iso: boolean;
  readonly families: readonly DateFamily[];
}

async function guess(
  database: Database,
  columns: readonly RawColumn[],
  { rules, table, where }: LookTerms,
): Promise<(readonly [RawColumn, Guess])[]> {
  const { plain, grouped, european } = numberKinds(rules);
  const nulls = rules.null_values ?? NULL_TEXTS;
  const parts = columns.flatMap((column, index) => {
    const name = identifier(column.name);
    const counted = (value: string, also = "true"): string =>
      `(count(${value}) FILTER (${presentSql(column, { nulls })} AND ${also}))::DOUBLE`;
    const number = (numbers: NumberRules | undefined): string => (numbers ? numberSql(name, numbers) : "NULL::DOUBLE");
    const isNumber = `NOT ${codeSql(name)}`;
    return [
      `${counted("1")} AS n${index}`,
      `${counted(number(plain), isNumber)} AS p${index}`,
      `${counted(number(grouped), isNumber)} AS g${index}`,
      `${counted(number(european), isNumber)} AS e${index}`,
      `${counted("1", `coalesce(${number(plain)}, ${number(grouped)}) <> ${number(european)}`)} AS d${index}`,
      `${counted(rules.date_format === undefined ? momentSql(name, []) : "NULL")} AS i${index}`,
    ];
  });
  const [row = {}] = await database.rows<Record<string, number>>(`SELECT ${parts.join(", ")} FROM ${identifier(table)} WHERE ${where}`);
  return columns.map((column, index) => {
    const values = row[`n${index}`]!;
    const most = (what: string): boolean => values > 0 && row[`${what}${index}`]! >= MOSTLY * values;
    const differ = row[`d${index}`]! > 0;
    return [column, { values, plain: most("p"), grouped: most("g"), european: most("e"), differ, iso: most("i"), families: [] }];
  });
}

/** Of every column; where the first rows hold no value, by all rows. */
export async function guessColumns(database: Database, columns: readonly RawColumn[], terms: ReadTerms): Promise<Map<RawColumn, Guess>> {
  const found = new Map(await guessAll(database, columns, { ...terms, where: `rowid < ${FIRST_ROWS}` }));
  const unknown = columns.filter((column) => found.get(column)?.values === 0);
  for (const [column, later] of await guessAll(database, unknown, { ...terms, where: "true" })) found.set(column, later);
  return found;
}

type LookTerms = ReadTerms & { readonly where: string };

/** Days of other countries are looked for only where there are neither numbers nor days in ISO: the looking takes memory. */
async function guessAll(database: Database, columns: readonly RawColumn[], terms: LookTerms): Promise<(readonly [RawColumn, Guess])[]> {
  const guesses = await inBatches(columns, (some) => guess(database, some, terms));
  const others = guesses.filter(([, { plain, grouped, european, iso, values }]) => values > 0 && !plain && !grouped && !european && !iso);
  const days = new Map(await inBatches(others, (some) => guessDays(database, some, terms), DAYS_BATCH));
  return guesses.map(([column, found]) => [column, { ...found, families: days.get(column) ?? [] }]);
}

async function guessDays(
  database: Database,
  columns: readonly (readonly [RawColumn, Guess])[],
  { rules, table, where }: LookTerms,
): Promise<(readonly [RawColumn, readonly DateFamily[]])[]> {
  const families = dateFamilies(rules);
  const nulls = rules.null_values ?? NULL_TEXTS;
  const parts = columns.flatMap(([column], index) =>
    families.map(({ formats }, family) => {
      const name = identifier(column.name);
      // A text that is no day fails in each format of each family: what it looks like is asked first.
      const day = `CASE WHEN regexp_matches(${name}, ${literal(likeDays(formats[0]!))}) THEN ${momentSql(name, formats)} END`;
      return `(count(${day}) FILTER (${presentSql(column, { nulls })}))::DOUBLE AS f${index}_${family}`;
    }),
  );
  const [row = {}] = await database.rows<Record<string, number>>(`SELECT ${parts.join(", ")} FROM ${identifier(table)} WHERE ${where}`);
  return columns.map(([column, { values }], index) => [
    column,
    families.filter((_, family) => row[`f${index}_${family}`]! >= MOSTLY * values),
  ]);
}

export async function inBatches<In, Out>(
  all: readonly In[],
  work: (some: readonly In[]) => Promise<readonly Out[]>,
  size = BATCH,
): Promise<Out[]> {
  const done: Out[] = [];
  for (let at = 0; at < all.length; at += size) done.push(...(await work(all.slice(at, at + size))));
  return done;
}

/** What is looked for: all of it, or what the request gives. */
export function numberKinds(rules: WritingRules): { plain?: NumberRules; grouped?: NumberRules; european?: NumberRules } {
  const given = givenNumbers(rules);
  if (!given) return { plain: PLAIN, grouped: GROUPED, european: EUROPEAN };
  return given.decimal === "," ? { european: given } : { plain: PLAIN, grouped: given };
}
