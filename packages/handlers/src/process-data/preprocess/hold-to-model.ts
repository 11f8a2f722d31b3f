/**
 * The columns of a table to score, read as the model reads them, whatever else is in the table. What cannot be read so, and
 * what the model never saw, is counted by column; beyond the limits of the request nothing is scored.
 */
import type { Database } from "../../duckdb/database.ts";
import { literal } from "../../duckdb/sql.ts";
import type { ProcessInput } from "../input.ts";
import { invalid, listed, unusable } from "../problem.ts";
import { count } from "../progress.ts";
import { inputColumn, type InputColumn, type RawColumn } from "./columns.ts";
import { isReadable, presentSql, valueSql, writtenSql, type Reading } from "./reading.ts";
import type { Recipe } from "./recipe.ts";
import { dateFamilies, givenNumbers, type WritingRules } from "./writing.ts";

export interface HeldColumns {
  readonly inputs: readonly InputColumn[];
  readonly unreadable: Readonly<Record<string, number>>;
  /** Cells with a category that is none of the model's. */
  readonly unseen: Readonly<Record<string, number>>;
}

/** What the request says of how this table is written goes before what the model knows of its own. */
export function asWritten(reading: Reading, rules: WritingRules): Reading {
  const nulls = rules.null_values ?? reading.nulls;
  if (reading.kind === "number") return { ...reading, nulls, numbers: givenNumbers(rules) ?? reading.numbers };
  if (reading.kind === "date")
    return { ...reading, nulls, formats: rules.date_format === undefined ? reading.formats : dateFamilies(rules)[0]!.formats };
  return { ...reading, nulls };
}

export interface HoldTerms {
  readonly input: ProcessInput;
  readonly columns: readonly RawColumn[];
  readonly recipe: Recipe;
  readonly readings: Readonly<Record<string, Reading>>;
  readonly rules: WritingRules;
}

export async function holdToModel(database: Database, terms: HoldTerms): Promise<HeldColumns> {
  const { input, columns, recipe, readings, rules } = terms;
  const byName = new Map(columns.map((column) => [column.name, column]));
  const modelId = input.options.model_id!;
  const missing = recipe.inputs.map(({ column }) => column).filter((name) => !byName.has(name));
  if (missing.length > 0) throw invalid("data_source", `lacks ${listed(missing)}, which the model of "${modelId}" was trained on`);
  const inputs: InputColumn[] = [];
  const unreadable: Record<string, number> = {};
  const unseen: Record<string, number> = {};
  for (const [place, known] of recipe.inputs.entries()) {
    const column = byName.get(known.column)!;
    const { name, type } = column;
    if (!isReadable(column))
      throw invalid("data_source", `column "${name}" is of type ${type}, and the model of "${modelId}" reads it as a ${known.kind}`);
    const reading = asWritten(readings[name]!, rules);
    inputs.push(inputColumn(column, reading, place));
    const misfits = known.kind === "text" ? `value NOT IN (${known.categories.map(literal).join(", ")})` : "value IS NULL";
    const [found] = await database.rows<{ values: number; misfits: number; example: string | null }>(
      `SELECT count(*)::DOUBLE AS values, (count(*) FILTER (${misfits}))::DOUBLE AS misfits, (min(written) FILTER (${misfits})) AS example
       FROM (SELECT ${valueSql(column, reading)} AS value, left(${writtenSql(column)}, 50) AS written FROM raw WHERE ${presentSql(column, reading)})`,
    );
    if (!found || found.misfits === 0) continue;
    (known.kind === "text" ? unseen : unreadable)[name] = found.misfits;
    refuseBeyond({ ...found, name, reading }, input);
  }
  return { inputs, unreadable, unseen };
}

interface Misfits {
  readonly name: string;
  readonly reading: Reading;
  readonly values: number;
  readonly misfits: number;
  readonly example: string | null;
}

function refuseBeyond({ name, reading, values, misfits, example }: Misfits, { options }: ProcessInput): void {
  const option = reading.kind === "text" ? "unseen_limit" : "unreadable_limit";
  if (misfits <= options[option] * values) return;
  const what =
    reading.kind === "text"
      ? "are categories that the model has not learned"
      : `cannot be read as the model reads it: ${reading.kind === "number" ? numberWords(reading) : dayWords(reading)}`;
  const setting = reading.kind === "number" ? "decimal and thousands" : "date_format";
  const remedy =
    reading.kind === "text"
      ? "Train a model with such rows"
      : `Correct them, say by data_source.config.${setting} how this file writes them`;
  throw unusable(
    `Column "${name}": ${count(misfits)} of ${count(values)} values, such as "${example}", ${what}. ${remedy}, or raise options.${option} (${options[option]}).`,
    { details: { column: name, values, [reading.kind === "text" ? "unseen" : "unreadable"]: misfits } },
  );
}

const numberWords = ({ numbers }: Reading & { kind: "number" }): string => `as numbers with "${numbers.decimal}" before the fraction`;
const dayWords = ({ formats }: Reading & { kind: "date" }): string =>
  `as days written ${formats.length === 0 ? "in ISO 8601" : `as ${formats[0]}`}`;
