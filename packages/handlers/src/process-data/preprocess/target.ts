/**
 * The column to predict, checked before anything is learned: every row has one (or is left out by option), a class is
 * not alone, a number is a number. Errors name the first row that is wrong.
 */
import type { Database } from "../../duckdb/database.ts";
import { identifier } from "../../duckdb/sql.ts";
import type { Pipeline, ProcessInput } from "../input.ts";
import { listed, unusable } from "../problem.ts";
import { count } from "../progress.ts";
import type { RawColumn } from "./columns.ts";

export interface Target {
  readonly column: string;
  readonly kind: "class" | "number";
  /** Over `raw`: VARCHAR for a class, DOUBLE for a number. */
  readonly sql: string;
  /** Names of the classes, ascending; their place is their code. */
  readonly classes: readonly string[];
  readonly missing: number;
}

/** More classes than people tell apart; a number or an id taken for a class has more. */
const MAX_CLASSES = 200;

/** The pipelines without a target take one as a label to be measured against, and only that. */
const targetKind = (pipeline: Pipeline): "class" | "number" => (pipeline === "regression" ? "number" : "class");

export function targetSql(column: RawColumn, kind: "class" | "number"): string {
  const name = identifier(column.name);
  if (kind === "number") return `TRY_CAST(${name} AS DOUBLE)`;
  if (!/^(DOUBLE|FLOAT)$/.test(column.type)) return `${name}::VARCHAR`;
  // 5.0 and 5 are one class, whatever the file's format made of them.
  return `CASE WHEN ${name} = floor(${name}) AND abs(${name}) < 1e15 THEN ${name}::BIGINT::VARCHAR ELSE ${name}::VARCHAR END`;
}

export async function describeTarget(database: Database, input: ProcessInput, columns: readonly RawColumn[]): Promise<Target | undefined> {
  const column = columns.find(({ name }) => name === input.target);
  if (!column) return undefined;
  const kind = targetKind(input.pipeline);
  const sql = targetSql(column, kind);
  const missing = await refuseMissing(database, column.name, sql, input);
  const learns = input.pipeline === "classification" || input.pipeline === "regression";
  if (kind === "number") {
    if (learns) await refuseConstant(database, column.name, sql);
    return { column: column.name, kind, sql, classes: [], missing };
  }
  return { column: column.name, kind, sql, classes: await classesOf(database, column.name, sql, learns), missing };
}

async function refuseMissing(database: Database, column: string, sql: string, { options, pipeline }: ProcessInput): Promise<number> {
  const name = identifier(column);
  const [found] = await database.rows<{ missing: number; wrong: number; infinite: number; row: number; example: string | null }>(
    `SELECT count(*)::DOUBLE AS missing, count(${name})::DOUBLE AS wrong, min(rowid)::DOUBLE + 1 AS row, any_value(left(${name}::VARCHAR, 50)) AS example
     FROM raw WHERE (${sql}) IS NULL${pipeline === "regression" ? ` OR NOT isfinite(${sql})` : ""}`,
  );
  const { missing = 0, wrong = 0, row = 0, example = null } = found ?? {};
  if (missing === 0) return 0;
  if (wrong > 0) {
    throw unusable(
      `Column "${column}" has ${count(wrong)} values that are not finite numbers, such as "${example}"; the first row without a number is ${row}. Choose a numeric target, correct the values, or use the classification pipeline.`,
    );
  }
  if (options.missing_target === "drop") return missing;
  throw unusable(
    `Column "${column}" has no value in ${count(missing)} rows, the first of them row ${row}. Fill them in, or set options.missing_target to "drop".`,
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
