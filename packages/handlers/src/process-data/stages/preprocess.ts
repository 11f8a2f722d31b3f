/** Stage 2: columns and target are what they claim to be, rows are split, and the recipe is fitted on the training part. */
import type { Database } from "../../duckdb/database.ts";
import { createCleanTable, TEST, trainingRows, type CleanRows } from "../preprocess/clean-table.ts";
import { candidates, inputColumn, inputColumns, type Columns, type InputColumn, type RawColumn } from "../preprocess/columns.ts";
import { fitRecipe, type FittedRecipe } from "../preprocess/fit-recipe.ts";
import type { Recipe } from "../preprocess/recipe.ts";
import type { Drift } from "../preprocess/profile.ts";
import { readColumns, type ReadColumn } from "../preprocess/read-columns.ts";
import { isReadable } from "../preprocess/reading.ts";
import { describeTarget, targetKind, type Target } from "../preprocess/target.ts";
import { invalid, listed } from "../problem.ts";
import { writingRules, type ProcessInput } from "../input.ts";
import { count, part } from "../progress.ts";
import type { Run } from "../run.ts";
import type { StageStore } from "../stage-store.ts";
import type { Ingested } from "./ingest.ts";

export interface Preprocessed {
  readonly columns: Columns;
  readonly target: Target | undefined;
  /** The column that options.split_by "time" goes by. */
  readonly time?: InputColumn | undefined;
  readonly clean: CleanRows;
  /** How rows to score compare with those of training. */
  readonly held?: { readonly unseen: Readonly<Record<string, number>>; readonly drift: readonly Drift[] } | undefined;
  readonly fitted: FittedRecipe;
}

interface Stored extends Omit<Preprocessed, "fitted" | "target"> {
  readonly target?: Target;
  readonly recipe: Recipe;
  readonly crossMeans: readonly (readonly [number, readonly number[]])[];
  readonly crossFolds: number;
}

export async function preprocess(
  database: Database,
  run: Run,
  { ingested, stages }: { ingested: Ingested; stages: StageStore },
): Promise<Preprocessed> {
  const { input } = run;
  const tell = run.progress.stage("preprocess");
  const earlier = await stages.load<Stored>(2);
  if (earlier) {
    await createCleanTable(database, { input, inputs: earlier.columns.inputs, target: earlier.target, time: earlier.time, scoring: false });
    tell(1, "Preprocessing taken over from an earlier attempt");
    return restored(earlier);
  }
  tell(0, "Checking columns and target");
  const wanted = candidates(input, ingested.columns);
  const rules = writingRules(input);
  const timeColumn = timeOf(input, ingested.columns);
  const label = ingested.columns.filter(({ name }) => name === input.target && targetKind(input) === "number");
  const readings = await readColumns(database, [...new Set([...wanted, ...label, ...timeColumn])].filter(isReadable), {
    rules,
    table: "raw",
    doubt: "refuse",
  });
  const columns = inputColumns(wanted, readings, input.features);
  const target = await describeTarget(database, { input, columns: ingested.columns, readings, rules });
  tell(0.1, `${columns.inputs.length} columns to learn from`, { columns: columns.inputs.length });
  const time = timeColumn.map((column) => momentColumn(column, readings))[0];
  const clean = await createCleanTable(database, { input, inputs: columns.inputs, target, time, scoring: false });
  const left = clean.duplicates + clean.missingTarget;
  tell(0.3, `${count(clean.rows)} rows take part${left > 0 ? `; ${count(left)} are scored only` : ""}`, {
    rows: clean.rows,
    duplicates: clean.duplicates,
    missing_target: clean.missingTarget,
  });
  const fitted = await fitRecipe(database, {
    inputs: columns.inputs,
    target,
    where: finalRows(run),
    options: input.options,
    tell: part(tell, 0.3, 1),
  });
  const stored: Stored = {
    columns,
    ...(target && { target }),
    ...(time && { time }),
    clean,
    recipe: fitted.recipe,
    crossMeans: [...fitted.crossMeans.means],
    crossFolds: fitted.crossMeans.folds,
  };
  await stages.finish(2, stored);
  return { columns, target, time, clean, fitted };
}

/** The column of options.time_column, or none. */
function timeOf({ options: { split_by, time_column } }: ProcessInput, columns: readonly RawColumn[]): readonly RawColumn[] {
  if (split_by !== "time" || time_column === undefined) return [];
  const column = columns.find(({ name }) => name === time_column);
  if (column) return [column];
  throw invalid("options.time_column", `the data has no column "${time_column}"; it has ${listed(columns.map(({ name }) => name))}`);
}

function momentColumn(column: RawColumn, readings: ReadonlyMap<string, ReadColumn>): InputColumn {
  const reading = readings.get(column.name)?.reading;
  if (reading && reading.kind !== "text") return inputColumn(column, reading, 0);
  throw invalid("options.time_column", `"${column.name}" holds neither dates nor numbers, so it says nothing about what came later`);
}

/** The rows the final model learns from: all but the test part; with folds, where every row is tested by others, all. */
export const finalRows = ({ input }: Pick<Run, "input">): string =>
  trainingRows(input.options.folds > 0 ? undefined : TEST, { validation: "in" });

function restored({ recipe, crossMeans, crossFolds, ...rest }: Stored): Preprocessed {
  return { target: undefined, ...rest, fitted: { recipe, crossMeans: { folds: crossFolds, means: new Map(crossMeans) } } };
}
