/** What each column was worth to the model: its features' importances together, the largest first. */
import type { Model } from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import { keptFeatures, type Recipe } from "../preprocess/recipe.ts";

export function importances(model: Model | undefined, recipe: Recipe): JsonObject[] {
  const values = model && "importances" in model ? model.importances() : undefined;
  if (!values) return [];
  const byColumn = new Map<string, number>();
  for (const [index, { sources }] of keptFeatures(recipe).entries()) {
    for (const source of sources) byColumn.set(source, (byColumn.get(source) ?? 0) + values[index]! / sources.length);
  }
  return [...byColumn].toSorted(([, a], [, b]) => b - a).map(([column, importance]) => ({ column, importance }));
}
