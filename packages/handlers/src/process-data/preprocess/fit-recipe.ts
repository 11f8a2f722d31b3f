/**
 * Fits a recipe on the rows `where` selects and on no others: every statistic in it is of those rows (no leakage), in a
 * few aggregating statements; no row crosses into JavaScript.
 */
import type { Database } from "../../duckdb/database.ts";
import type { ProcessOptions } from "../options.ts";
import { unusable } from "../problem.ts";
import { count, type Tell } from "../progress.ts";
import { bind } from "./binding.ts";
import type { Dropped, InputColumn } from "./columns.ts";
import { CROSS_FOLDS, fitText } from "./fit-texts.ts";
import { fitNumbers, NUMBER_BATCH } from "./fit-numbers.ts";
import { rawFeatureSql, type Binding, type CrossMeans, type Feature, type Making, type Recipe, type RecipeInput } from "./recipe.ts";
import type { Target } from "./target.ts";

export interface FittedRecipe {
  readonly recipe: Recipe;
  /** For the rows it was fitted on; not saved. */
  readonly crossMeans: CrossMeans;
}

export interface RecipeTerms {
  readonly inputs: readonly InputColumn[];
  readonly target: Target | undefined;
  readonly where: string;
  readonly options: ProcessOptions;
  readonly tell: Tell;
}

/** Features described in one statement. */
const SCALE_BATCH = 50;

export async function fitRecipe(database: Database, terms: RecipeTerms): Promise<FittedRecipe> {
  const { inputs, tell } = terms;
  const collected = {
    inputs: [] as RecipeInput[],
    features: [] as Feature[],
    dropped: [] as Dropped[],
    crossMeans: new Map<number, readonly number[]>(),
  };
  const add = (
    input: RecipeInput,
    makings: readonly { name: string; making: (input: number) => Making }[],
    crossMeans?: readonly number[],
  ): void => {
    const at = collected.inputs.push(input) - 1;
    for (const { name, making } of makings) {
      const place = collected.features.push({ name, sources: [input.column], making: making(at), center: 0, scale: 1 }) - 1;
      if (crossMeans && making(at).by === "mean") collected.crossMeans.set(place, crossMeans);
    }
  };
  const numbers = inputs.filter(({ kind }) => kind !== "text");
  const texts = inputs.filter(({ kind }) => kind === "text");
  let described = 0;
  const say = (column: string): void => {
    described += 1;
    tell((0.7 * described) / inputs.length, `Described ${described} of ${inputs.length} columns: ${column}`, {
      columns_described: described,
    });
  };
  for (let at = 0; at < numbers.length; at += NUMBER_BATCH) {
    const { fitted, dropped } = await fitNumbers(database, numbers.slice(at, at + NUMBER_BATCH), terms);
    for (const { input, makings } of fitted) add(input, makings);
    collected.dropped.push(...dropped);
    for (const { name } of numbers.slice(at, at + NUMBER_BATCH)) say(name);
  }
  const meanOf = meanSql(terms.target);
  for (const column of texts) {
    const fitted = await fitText(database, column, { ...terms, meanOf });
    if ("reason" in fitted) collected.dropped.push(fitted);
    else add(fitted.input, fitted.makings, fitted.crossMeans);
    say(column.name);
  }
  if (collected.features.length === 0) throw nothingLeft(collected.dropped);
  const recipe: Recipe = { inputs: collected.inputs, features: collected.features, dropped: collected.dropped };
  const crossMeans: CrossMeans = { folds: CROSS_FOLDS, means: collected.crossMeans };
  const binding = { ...(await bind(database, recipe, inputs)), crossMeans };
  return { recipe: await scaled(database, recipe, binding, terms), crossMeans };
}

/** What a category's mean is the mean of; nothing when there are several classes to speak of, or no target at all. */
function meanSql(target: Target | undefined): string | undefined {
  if (!target) return undefined;
  if (target.kind === "number") return "label";
  return target.classes.length === 2 ? `(label = '${target.classes[1]!.replaceAll("'", "''")}')::DOUBLE` : undefined;
}

function nothingLeft(dropped: readonly Dropped[]): Error {
  const why = dropped.slice(0, 5).map(({ column, reason }) => `"${column}": ${reason}`);
  const more = dropped.length > why.length ? `; and ${count(dropped.length - why.length)} more` : "";
  return unusable(`No column is left to learn from (${why.join("; ")}${more}). Give features that differ from row to row.`);
}

/** Flags stay 0 and 1; everything else gets its center and scale from the rows of the fit. */
async function scaled(database: Database, recipe: Recipe, binding: Binding, { where, options, tell }: RecipeTerms): Promise<Recipe> {
  const places = recipe.features.flatMap(({ making }, place) => (making.by === "missing" || making.by === "category" ? [] : [place]));
  const scales = await scalesOf(
    database,
    places.map((place) => rawFeatureSql(recipe, place, binding)),
    { where, scaling: options.scaling },
  );
  tell(1, `${count(recipe.features.length)} features from ${count(recipe.inputs.length)} columns`, { features: recipe.features.length });
  const found = new Map(places.map((place, index) => [place, scales[index]!]));
  // A part of a date that never changes (the hour of a day) says nothing.
  const features = recipe.features.map((feature, place) => ({ ...feature, ...found.get(place) }));
  const kept = features.flatMap(({ scale }, place) => (scale > 0 ? [place] : []));
  const usable = features.map((feature) => (feature.scale > 0 ? feature : { ...feature, scale: 1 }));
  if (kept.length === 0) throw nothingLeft(recipe.dropped);
  return { ...recipe, features: usable, ...(kept.length < features.length && { kept }) };
}

type Scaling = ProcessOptions["scaling"];

/** Center and scale of each expression; scale 0 for one that never changes. */
export async function scalesOf(
  database: Database,
  expressions: readonly string[],
  { where, scaling }: { readonly where: string; readonly scaling: Scaling },
): Promise<readonly { readonly center: number; readonly scale: number }[]> {
  const scales: { center: number; scale: number }[] = [];
  for (let at = 0; at < expressions.length; at += SCALE_BATCH) {
    const batch = expressions.slice(at, at + SCALE_BATCH);
    const values = batch.map((sql, index) => `(${sql})::DOUBLE AS v${index}`).join(", ");
    const parts = batch.flatMap((_, index) => {
      const [center, scale] = scalingSql(`v${index}`, scaling);
      return [
        `(${center})::DOUBLE AS center${index}`,
        `(${scale})::DOUBLE AS scale${index}`,
        `(max(v${index}) > min(v${index})) AS varies${index}`,
      ];
    });
    const [row = {}] = await database.rows<Record<string, number | boolean>>(
      `SELECT ${parts.join(", ")} FROM (SELECT ${values} FROM clean WHERE ${where})`,
    );
    batch.forEach((_, index) => {
      const scale = row[`scale${index}`] as number;
      const varies = row[`varies${index}`] === true;
      // Quartiles may coincide where values still differ: such a feature keeps its own scale.
      scales.push({ center: row[`center${index}`] as number, scale: varies ? scale || 1 : 0 });
    });
  }
  return scales;
}

function scalingSql(value: string, scaling: Scaling): readonly [string, string] {
  switch (scaling) {
    case "standard":
      return [`avg(${value})`, `stddev_pop(${value})`];
    case "min_max":
      return [`min(${value})`, `max(${value}) - min(${value})`];
    case "robust":
      return [`median(${value})`, `quantile_cont(${value}, 0.75) - quantile_cont(${value}, 0.25)`];
    case "none":
      return ["0", "1"];
  }
}
