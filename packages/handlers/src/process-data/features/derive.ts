/** Derived features, by option: squares, products and logarithms of the ten numeric features that tell most. */
import type { Database } from "../../duckdb/database.ts";
import { scalesOf } from "../preprocess/fit-recipe.ts";
import { rawFeatureSql, type Binding, type Feature, type Making, type Recipe } from "../preprocess/recipe.ts";
import type { PrepareTerms } from "./prepare.ts";
import { informationOf } from "./select.ts";

/** Products of ten are 45 features already. */
const MAX_BASES = 10;

export interface Bound {
  readonly recipe: Recipe;
  readonly binding: Binding;
}

export async function derive(database: Database, bound: Bound, terms: PrepareTerms): Promise<Recipe> {
  const { recipe, binding } = bound;
  const { options, where, tell } = terms;
  if (options.derived_features.length === 0) return recipe;
  const bases = await bestNumbers(database, bound, terms);
  const made = options.derived_features.flatMap((kind) => makings(kind, bases));
  const feature = (making: Making & { readonly of: number }): Feature => ({
    name: nameOf(making, recipe.features),
    sources: sourcesOf(making, recipe.features),
    making,
    center: 0,
    scale: 1,
  });
  const features = [...recipe.features, ...made.map(feature)];
  const places = made.map((_, index) => recipe.features.length + index);
  const widened = { ...recipe, features };
  const scales = await scalesOf(
    database,
    places.map((place) => rawFeatureSql(widened, place, binding)),
    { where, scaling: options.scaling },
  );
  const usable = places.filter((_, index) => scales[index]!.scale > 0);
  const scaled = features.map((one, place) => {
    const found = scales[place - recipe.features.length];
    return found ? { ...one, ...found, scale: found.scale || 1 } : one;
  });
  tell(1, `${usable.length} derived features`, { derived_features: usable.length });
  const before = recipe.kept ?? recipe.features.map((_, place) => place);
  return { ...recipe, features: scaled, kept: [...before, ...usable] };
}

async function bestNumbers(database: Database, bound: Bound, terms: PrepareTerms): Promise<readonly number[]> {
  const { recipe } = bound;
  const numeric = (recipe.kept ?? recipe.features.map((_, place) => place)).filter(
    (place) => recipe.features[place]!.making.by === "value",
  );
  if (numeric.length <= MAX_BASES || !terms.target) return numeric.slice(0, MAX_BASES);
  const scores = await informationOf(database, { ...bound, recipe: { ...recipe, kept: numeric } }, terms);
  const ranked = numeric.map((place, index) => ({ place, score: scores[index]! })).toSorted((a, b) => b.score - a.score);
  return ranked.slice(0, MAX_BASES).map(({ place }) => place);
}

function makings(
  kind: PrepareTerms["options"]["derived_features"][number],
  bases: readonly number[],
): (Making & { readonly of: number })[] {
  if (kind === "squares") return bases.map((of) => ({ by: "square", of }));
  if (kind === "logs") return bases.map((of) => ({ by: "log", of }));
  return bases.flatMap((of, index) => bases.slice(index + 1).map((and) => ({ by: "product" as const, of, and })));
}

function nameOf(making: Making & { readonly of: number }, features: readonly Feature[]): string {
  const base = features[making.of]!.name;
  if (making.by === "product") return `${base} × ${features[making.and]!.name}`;
  return making.by === "square" ? `${base}²` : `log ${base}`;
}

function sourcesOf(making: Making & { readonly of: number }, features: readonly Feature[]): readonly string[] {
  const { sources } = features[making.of]!;
  return making.by === "product" ? [...new Set([...sources, ...features[making.and]!.sources])] : sources;
}
