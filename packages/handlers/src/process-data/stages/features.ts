/** Stage 3: derived features and selection, reported. */
import type { Database } from "../../duckdb/database.ts";
import { finishFeatures, type Prepared } from "../features/prepare.ts";
import { bind } from "../preprocess/binding.ts";
import { keptFeatures } from "../preprocess/recipe.ts";
import { stageCosts } from "../costs.ts";
import type { Run } from "../run.ts";
import type { StageStore } from "../stage-store.ts";
import { finalRows, type Preprocessed } from "./preprocess.ts";

type Stored = Pick<Prepared, "recipe" | "derived"> & { readonly selection?: Prepared["selection"] };

export async function chooseFeatures(
  database: Database,
  run: Run,
  { preprocessed, stages }: { readonly preprocessed: Preprocessed; readonly stages: StageStore },
): Promise<Prepared> {
  const { input, ctx } = run;
  const { columns, target, fitted } = preprocessed;
  const tell = run.progress.stage("features");
  const earlier = await stages.load<Stored>(3);
  if (earlier) {
    tell(1, "Features taken over from an earlier attempt");
    const binding = await bind(database, earlier.recipe, columns.inputs);
    return { selection: undefined, ...earlier, binding, ownBinding: { ...binding, crossMeans: fitted.crossMeans } };
  }
  tell(0, `${keptFeatures(fitted.recipe).length} features so far`);
  const prepared = await finishFeatures(database, fitted, {
    inputs: columns.inputs,
    target,
    where: finalRows(run),
    options: input.options,
    signal: ctx.signal,
    tell,
  });
  const { recipe, derived, selection } = prepared;
  await stages.finish(3, { recipe, derived, ...(selection && { selection }) } satisfies Stored);
  const names = keptFeatures(recipe).map(({ name }) => name);
  run.progress.expect(stageCosts(input, { bytes: 0, rows: preprocessed.clean.rows, columns: names.length }));
  tell(1, `${names.length} features for the model`, { features: names.length, first: names.slice(0, 10) });
  return prepared;
}
