/** Stage 2: columns and target are what they claim to be, rows are split, and the recipe is fitted on the training part. */
import type { Database } from "../../duckdb/database.ts";
import { createCleanTable, TEST, trainingRows, type CleanRows } from "../preprocess/clean-table.ts";
import { candidates, inputColumns, type Columns } from "../preprocess/columns.ts";
import { fitRecipe, type FittedRecipe } from "../preprocess/fit-recipe.ts";
import type { Recipe } from "../preprocess/recipe.ts";
import { describeTarget, type Target } from "../preprocess/target.ts";
import { count, part } from "../progress.ts";
import type { Run } from "../run.ts";
import type { StageStore } from "../stage-store.ts";
import type { Ingested } from "./ingest.ts";

export interface Preprocessed {
  readonly columns: Columns;
  readonly target: Target | undefined;
  readonly clean: CleanRows;
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
    await createCleanTable(database, { input, inputs: earlier.columns.inputs, target: earlier.target, scoring: false });
    tell(1, "Preprocessing taken over from an earlier attempt");
    return restored(earlier);
  }
  tell(0, "Checking columns and target");
  const columns = await inputColumns(database, candidates(input, ingested.columns), input.features);
  const target = await describeTarget(database, input, ingested.columns);
  tell(0.1, `${columns.inputs.length} columns to learn from`, { columns: columns.inputs.length });
  const clean = await createCleanTable(database, { input, inputs: columns.inputs, target, scoring: false });
  tell(0.3, `${count(clean.rows)} rows take part; ${count(clean.duplicates)} repeated rows left out`, {
    rows: clean.rows,
    duplicates: clean.duplicates,
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
    clean,
    recipe: fitted.recipe,
    crossMeans: [...fitted.crossMeans.means],
    crossFolds: fitted.crossMeans.folds,
  };
  await stages.finish(2, stored);
  return { columns, target, clean, fitted };
}

/** The rows the final model learns from: all but the test part; with folds, where every row is tested by others, all. */
export const finalRows = ({ input }: Pick<Run, "input">): string =>
  input.options.folds > 0 ? "true" : trainingRows(TEST, { validation: "in" });

function restored({ recipe, crossMeans, crossFolds, ...rest }: Stored): Preprocessed {
  return { target: undefined, ...rest, fitted: { recipe, crossMeans: { folds: crossFolds, means: new Map(crossMeans) } } };
}
