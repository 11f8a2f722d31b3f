/**
 * Everything between the table and the model, fitted on the rows `where` selects: the recipe, derived features, and
 * which features are kept. Done once for the final model, and again for each fold and for the rows candidates are chosen
 * on: each time without a look at the rows it will be measured on.
 */
import type { Database } from "../../duckdb/database.ts";
import { fitRecipe, type FittedRecipe, type RecipeTerms } from "../preprocess/fit-recipe.ts";
import { bind } from "../preprocess/binding.ts";
import { loadMatrix, type MatrixTerms, type Rows } from "../preprocess/load-matrix.ts";
import { keptFeatures, type Binding, type Recipe } from "../preprocess/recipe.ts";
import { part } from "../progress.ts";
import { derive } from "./derive.ts";
import { select, type Selection } from "./select.ts";

export interface PrepareTerms extends RecipeTerms {
  readonly signal: AbortSignal;
}

export interface Prepared {
  readonly recipe: Recipe;
  readonly selection: Selection | undefined;
  readonly derived: readonly string[];
  /** Rows other than those it was fitted on. */
  readonly binding: Binding;
  /** The rows it was fitted on: see fit-texts.ts. */
  readonly ownBinding: Binding;
}

export async function prepare(database: Database, terms: PrepareTerms): Promise<Prepared> {
  const fitted = await fitRecipe(database, { ...terms, tell: part(terms.tell, 0, 0.5) });
  return finishFeatures(database, fitted, { ...terms, tell: part(terms.tell, 0.5, 1) });
}

/** Derived features and selection, on top of a fitted recipe. */
export async function finishFeatures(database: Database, { recipe, crossMeans }: FittedRecipe, terms: PrepareTerms): Promise<Prepared> {
  const binding = await bind(database, recipe, terms.inputs);
  const ownBinding = { ...binding, crossMeans };
  const withDerived = await derive(database, { recipe, binding: ownBinding }, { ...terms, tell: part(terms.tell, 0, 0.5) });
  const selection = await select(database, { recipe: withDerived, binding: ownBinding }, { ...terms, tell: part(terms.tell, 0.5, 1) });
  const derived = withDerived.features.slice(recipe.features.length).map(({ name }) => name);
  const kept = selection?.kept ?? withDerived.kept;
  return { recipe: { ...withDerived, ...(kept && { kept }) }, selection, derived, binding, ownBinding };
}

/** The training rows of what was prepared, at most so many that rows times features stay within the limit. */
export async function trainingMatrix(
  database: Database,
  { recipe, ownBinding }: Pick<Prepared, "recipe" | "ownBinding">,
  terms: Pick<MatrixTerms, "target" | "where" | "tell"> & { readonly maxCells: number },
): Promise<Rows & { readonly share: number }> {
  const share = await sampleShare(database, { recipe, ...terms });
  const where = share < 1 ? `${terms.where} AND hash(h, 'sample') % 1000000 < ${Math.floor(share * 1_000_000)}` : terms.where;
  return { ...(await loadMatrix(database, { recipe, binding: ownBinding, target: terms.target, where, tell: terms.tell })), share };
}

async function sampleShare(
  database: Database,
  { recipe, where, maxCells }: { readonly recipe: Recipe; readonly where: string; readonly maxCells: number },
): Promise<number> {
  const [{ rows } = { rows: 0 }] = await database.rows<{ rows: number }>(`SELECT count(*)::DOUBLE AS rows FROM clean WHERE ${where}`);
  return Math.min(1, maxCells / Math.max(1, rows * keptFeatures(recipe).length));
}
