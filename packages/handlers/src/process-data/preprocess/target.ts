/**
 * The column to predict, checked before anything is learned: every row has one (or is left out by option), a class is
 * not alone, a number is a number. Errors name the first row that is wrong.
 */
import type { Database } from "../../duckdb/database.ts";
import { identifier } from "../../duckdb/sql.ts";
import type { ProcessInput } from "../input.ts";
import { listed, unusable } from "../problem.ts";
import { count } from "../progress.ts";
import type { RawColumn } from "./columns.ts";
import type { ReadColumn } from "./read-columns.ts";
import { PLAIN, presentSql, valueSql, type Reading } from "./reading.ts";
import { EMPTY, NULL_TEXTS, type WritingRules } from "./writing.ts";

export interface Target {
  readonly column: string;
  readonly kind: "class" | "number";
  readonly reading: Reading;
  /** Over `raw`: VARCHAR for a class, DOUBLE for a number. */
  readonly sql: string;
  /** Names of the classes, ascending; their place is their code. */
  readonly classes: readonly string[];
  readonly missing: number;
  /** Classes that are called as missing values often are. */
  readonly doubtfulClasses?: readonly string[];
}

/** More classes than people tell apart; a number or an id taken for a class has more. */
const MAX_CLASSES = 200;

/** The pipelines without a target take one as a label to be measured against, and only that. */
export const targetKind = ({ pipeline }: Pick<ProcessInput, "pipeline">): "class" | "number" =>
  pipeline === "regression" ? "number" : "class";

/** A class is what is written: "Yes" is not "yes", "01" not "1", and "NA" is Namibia. */
const classReading = (rules: WritingRules): Reading => ({ kind: "text", nulls: rules.null_values ?? EMPTY });

export interface TargetTerms {
  readonly input: ProcessInput;
  readonly columns: readonly RawColumn[];
  readonly readings: ReadonlyMap<string, ReadColumn>;
  readonly rules: WritingRules;
}

export async function describeTarget(database: Database, { input, columns, readings, rules }: TargetTerms): Promise<Target | undefined> {
  const column = columns.find(({ name }) => name === input.target);
  if (!column) return undefined;
  const kind = targetKind(input);
  const reading = kind === "class" ? classReading(rules) : numberReading(readings.get(column.name)?.reading);
  const sql = valueSql(column, reading);
  const missing = await refuseMissing(database, { column, reading, sql }, input);
  const learns = input.pipeline === "classification" || input.pipeline === "regression";
  if (kind === "number") {
    if (learns) await refuseConstant(database, column.name, sql);
    return { column: column.name, kind, reading, sql, classes: [], missing };
  }
  const classes = await classesOf(database, column.name, sql, learns);
  const doubtfulClasses = rules.null_values === undefined ? classes.filter((name) => NULL_TEXTS.includes(name)) : [];
  return { column: column.name, kind, reading, sql, classes, missing, doubtfulClasses };
}

/** Words that are too many for numbers are named by what follows. */
const numberReading = (reading: Reading | undefined): Reading =>
  reading?.kind === "number" ? reading : { kind: "number", numbers: PLAIN, nulls: reading?.nulls ?? NULL_TEXTS };

interface Labels {
  readonly column: RawColumn;
  readonly reading: Reading;
  readonly sql: string;
}

async function refuseMissing(database: Database, { column, reading, sql }: Labels, { options }: ProcessInput): Promise<number> {
  const name = identifier(column.name);
  const present = presentSql(column, reading);
  const [found] = await database.rows<{ missing: number; wrong: number; row: number; wrongRow: number; example: string | null }>(
    `SELECT count(*)::DOUBLE AS missing, (count(*) FILTER (${present}))::DOUBLE AS wrong, min(rowid)::DOUBLE + 1 AS row,
       (min(rowid) FILTER (${present}))::DOUBLE + 1 AS "wrongRow", (any_value(left(${name}::VARCHAR, 50)) FILTER (${present})) AS example
     FROM raw WHERE (${sql}) IS NULL`,
  );
  const { missing = 0, wrong = 0, row = 0, wrongRow = 0, example = null } = found ?? {};
  if (missing === 0) return 0;
  if (wrong > 0) {
    throw unusable(
      `Column "${column.name}" has ${count(wrong)} values that are not finite numbers, such as "${example}"; the first row without a number is ${wrongRow}. Choose a numeric target, correct the values, set data_source.config.decimal, or use the classification pipeline.`,
    );
  }
  if (options.missing_target === "drop") return missing;
  throw unusable(
    `Column "${column.name}" has no value in ${count(missing)} rows, the first of them row ${row}. Fill them in, set options.missing_target to "drop", or say by data_source.config.null_values which texts mean a missing value.`,
  );
}

async function refuseConstant(database: Database, column: string, sql: string): Promise<void> {
  const [range] = await database.rows<{ low: number | null; high: number | null }>(
    `SELECT min(${sql}) AS low, max(${sql}) AS high FROM raw`,
  );
  if (!range || range.low === null) throw unusable(`Column "${column}" has no value at all: there is nothing to predict.`);
  if (range.low === range.high)
    throw unusable(`Column "${column}" is ${range.low} in every row: there is nothing to predict. Choose another target.`);
}

async function classesOf(database: Database, column: string, sql: string, learns: boolean): Promise<readonly string[]> {
  const found = await database.rows<{ class: string }>(
    `SELECT DISTINCT ${sql} AS class FROM raw WHERE (${sql}) IS NOT NULL LIMIT ${MAX_CLASSES + 1}`,
  );
  const names = found.map((row) => row.class);
  if (names.length > MAX_CLASSES) {
    throw unusable(
      `Column "${column}" has more than ${MAX_CLASSES} different values, too many for classes. Is it a number to predict by regression, or an id?`,
    );
  }
  if (learns && names.length < 2) {
    throw unusable(
      `Column "${column}" has only one class (${listed(names)}): there is nothing to tell apart. Choose another target, or add rows of other classes.`,
    );
  }
  const areNumbers = names.every((name) => name.trim() !== "" && Number.isFinite(Number(name)));
  return areNumbers ? names.toSorted((a, b) => Number(a) - Number(b)) : names.toSorted();
}
