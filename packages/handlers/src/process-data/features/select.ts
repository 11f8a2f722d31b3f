/** Which features are kept: those that tell most about the target, by mutual information or by what a forest made of them. */
import { fitForestClassifier, fitForestRegressor, mutualInformation, seededRandom } from "@streamer/models";
import type { Database } from "../../duckdb/database.ts";
import { loadMatrix, type Rows } from "../preprocess/load-matrix.ts";
import { keptFeatures } from "../preprocess/recipe.ts";
import type { Bound } from "./derive.ts";
import type { PrepareTerms } from "./prepare.ts";

export interface Selection {
  /** Places in the recipe, ascending. */
  readonly kept: readonly number[];
  /** Every feature that was judged, the best first. */
  readonly scores: readonly { readonly feature: string; readonly score: number; readonly kept: boolean }[];
}

/** Enough to rank features by; the rows a ranking is made of. */
const MAX_CELLS = 2_000_000;
const FOREST = { trees: 30, minLeafRows: 5 };

export async function select(database: Database, bound: Bound, terms: PrepareTerms): Promise<Selection | undefined> {
  const { options, target, tell } = terms;
  if (options.feature_selection === "none" || !target) return undefined;
  const { recipe } = bound;
  const scores =
    options.feature_selection === "importance"
      ? await forestImportances(database, bound, terms)
      : await informationOf(database, bound, terms);
  const places = recipe.kept ?? recipe.features.map((_, place) => place);
  const ranked = places
    .map((place, index) => ({ place, score: scores[index]! }))
    .toSorted((a, b) => b.score - a.score || a.place - b.place);
  const kept = ranked.slice(0, options.max_features).map(({ place }) => place);
  tell(1, `Kept ${kept.length} of ${places.length} features by ${options.feature_selection.replace("_", " ")}`, {
    features_kept: kept.length,
  });
  return {
    kept: kept.toSorted((a, b) => a - b),
    scores: ranked.map(({ place, score }, rank) => ({ feature: recipe.features[place]!.name, score, kept: rank < kept.length })),
  };
}

export async function informationOf(database: Database, bound: Bound, terms: PrepareTerms): Promise<Float64Array> {
  const { x, y } = await sample(database, bound, terms);
  const classCount = terms.target?.kind === "class" ? terms.target.classes.length : undefined;
  return mutualInformation({ x, y, classCount }, terms.signal);
}

async function forestImportances(database: Database, bound: Bound, terms: PrepareTerms): Promise<Float64Array> {
  const { x, y } = await sample(database, bound, terms);
  const { options, target, signal, tell } = terms;
  const context = { signal, tell, random: seededRandom(options.seed) };
  const model =
    target?.kind === "class"
      ? await fitForestClassifier(x, { codes: Int32Array.from(y), classCount: target.classes.length }, FOREST, context)
      : await fitForestRegressor(x, y, FOREST, context);
  return model.importances() ?? new Float64Array(x.columns.length);
}

async function sample(database: Database, { recipe, binding }: Bound, { target, where }: PrepareTerms): Promise<Rows> {
  const [{ rows } = { rows: 0 }] = await database.rows<{ rows: number }>(`SELECT count(*)::DOUBLE AS rows FROM clean WHERE ${where}`);
  const share = MAX_CELLS / Math.max(1, rows * keptFeatures(recipe).length);
  const sampled = share < 1 ? `${where} AND hash(h, 'selection') % 1000000 < ${Math.floor(share * 1_000_000)}` : where;
  return loadMatrix(database, { recipe, binding, target, where: sampled });
}
