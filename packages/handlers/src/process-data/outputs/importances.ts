/**
 * What each column was worth to the model: its features' importances together, as learning saw them (of trees the gain, of
 * weights their size), and what predictions lose on held-out rows without it. The most important by the latter come first.
 */
import type { Model } from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import type { Permutation } from "../learning/permutation.ts";
import { keptFeatures, type Recipe } from "../preprocess/recipe.ts";

export function importances(model: Model | undefined, recipe: Recipe, permutation: Permutation | undefined): JsonObject[] {
  const gains = new Map(gainsOf(model, recipe));
  const measured = permutation?.columns ?? [];
  const columns = [...new Set([...measured.map(({ column }) => column), ...gains.keys()])];
  return columns.map((column) => {
    const gain = gains.get(column);
    const worth = measured.find((one) => one.column === column);
    return { column, ...(gain !== undefined && { importance: gain }), ...(worth && { permutation: { mean: worth.mean, std: worth.std } }) };
  });
}

function gainsOf(model: Model | undefined, recipe: Recipe): (readonly [string, number])[] {
  const values = model && "importances" in model ? model.importances() : undefined;
  if (!values) return [];
  const byColumn = new Map<string, number>();
  for (const [index, { sources }] of keptFeatures(recipe).entries()) {
    for (const source of sources) byColumn.set(source, (byColumn.get(source) ?? 0) + values[index]! / sources.length);
  }
  return [...byColumn].toSorted(([, a], [, b]) => b - a);
}

export function permutationTerms(permutation: Permutation | undefined): JsonObject {
  if (!permutation) return {};
  const { measure, rows, repeats, unmeasured } = permutation;
  return { permutation: { measure, rows, repeats, unmeasured } };
}
