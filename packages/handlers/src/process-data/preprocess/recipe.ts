/**
 * A recipe turns the input columns of any table of the same shape into the numbers a model sees. It is plain data, saved
 * with the model, and printed as SQL: new data goes through exactly what the training data went through, inside DuckDB.
 * Everything in it was computed from training rows (fit-recipe.ts).
 */
import { literal } from "../../duckdb/sql.ts";
import type { Dropped } from "./columns.ts";

/** A moment's parts that become features. */
const DATE_PARTS = ["time", "year", "month", "day", "weekday", "hour"] as const;
type DatePart = (typeof DATE_PARTS)[number];

export interface NumberInput {
  readonly kind: "number" | "date";
  readonly column: string;
  /** What stands for a missing number. */
  readonly fill: number;
  readonly low?: number | undefined;
  readonly high?: number | undefined;
}

export interface TextInput {
  readonly kind: "text";
  readonly column: string;
  /** Kept categories, the commonest first; their place is their code. */
  readonly categories: readonly string[];
  /** The category that stands for a missing text; absent: missing is a category of its own, the last. */
  readonly fill?: string | undefined;
}

export type RecipeInput = NumberInput | TextInput;

/** How one feature is made. `input` counts the recipe's inputs, `of` its earlier features. */
export type Making =
  | { readonly by: "value"; readonly input: number }
  | { readonly by: "missing"; readonly input: number }
  | { readonly by: "category"; readonly input: number; readonly code: number }
  | { readonly by: "code"; readonly input: number }
  /** Target mean of each category, shrunk to the overall mean. */
  | { readonly by: "mean"; readonly input: number; readonly means: readonly number[]; readonly otherwise: number }
  | { readonly by: "date_part"; readonly input: number; readonly part: DatePart }
  | { readonly by: "square" | "log"; readonly of: number }
  | { readonly by: "product"; readonly of: number; readonly and: number };

export interface Feature {
  readonly name: string;
  /** The columns it comes from. */
  readonly sources: readonly string[];
  readonly making: Making;
  /** The feature is (value - center) / scale. */
  readonly center: number;
  readonly scale: number;
}

export interface Recipe {
  readonly inputs: readonly RecipeInput[];
  readonly features: readonly Feature[];
  /** Those of the features that selection kept, by place; all when absent. */
  readonly kept?: readonly number[] | undefined;
  readonly dropped: readonly Dropped[];
}

export const keptFeatures = ({ features, kept }: Recipe): readonly Feature[] => (kept ? kept.map((place) => features[place]!) : features);

/**
 * Where a recipe's inputs are found in a table, and what differs for the rows it was fitted on: there, a target mean must
 * not have seen the row's own target (fit-texts.ts), so it is looked up by fold.
 */
export interface Binding {
  /** SQL of each input's cell. */
  readonly cells: readonly string[];
  /** Name of the ENUM type of each text input's categories. */
  readonly types: readonly (string | undefined)[];
  readonly crossMeans?: CrossMeans | undefined;
}

/** Out-of-fold target means by feature: for category c and fold f at c * folds + f. */
export interface CrossMeans {
  readonly folds: number;
  readonly means: ReadonlyMap<number, readonly number[]>;
}

export function featureSql(recipe: Recipe, place: number, binding: Binding): string {
  const { center, scale } = recipe.features[place]!;
  const value = rawFeatureSql(recipe, place, binding);
  return center === 0 && scale === 1 ? `(${value})::DOUBLE` : `((${value}) - ${number(center)}) / ${number(scale)}`;
}

/** Before centering and scaling. */
export function rawFeatureSql(recipe: Recipe, place: number, binding: Binding): string {
  const { making } = recipe.features[place]!;
  switch (making.by) {
    case "value":
      return valueSql(recipe.inputs[making.input] as NumberInput, binding.cells[making.input]!);
    case "missing":
      return `(${binding.cells[making.input]!} IS NULL)::DOUBLE`;
    case "category":
      return `coalesce(${codeSql(recipe, making.input, binding)} = ${making.code}, false)::DOUBLE`;
    case "code":
      return `coalesce(${codeSql(recipe, making.input, binding)}, ${(recipe.inputs[making.input] as TextInput).categories.length})::DOUBLE`;
    case "mean":
      return meanSql(recipe, { ...making, place }, binding);
    case "date_part":
      return datePartSql(making.part, valueSql(recipe.inputs[making.input] as NumberInput, binding.cells[making.input]!));
    case "square":
      return `(${featureSql(recipe, making.of, binding)}) ** 2`;
    case "log":
      return `sign(${featureSql(recipe, making.of, binding)}) * ln(1 + abs(${featureSql(recipe, making.of, binding)}))`;
    case "product":
      return `(${featureSql(recipe, making.of, binding)}) * (${featureSql(recipe, making.and, binding)})`;
  }
}

function valueSql({ fill, low, high }: NumberInput, cell: string): string {
  const filled = `coalesce(${cell}, ${number(fill)})`;
  return low === undefined || high === undefined ? filled : `least(greatest(${filled}, ${number(low)}), ${number(high)})`;
}

/** NULL for a category the training rows did not have. */
function codeSql(recipe: Recipe, input: number, { cells, types }: Binding): string {
  const { fill, categories } = recipe.inputs[input] as TextInput;
  const cell = cells[input]!;
  const code = `enum_code(TRY_CAST(${fill === undefined ? cell : `coalesce(${cell}, ${literal(fill)})`} AS ${types[input]!}))::INTEGER`;
  return fill === undefined ? `CASE WHEN ${cell} IS NULL THEN ${categories.length} ELSE ${code} END` : code;
}

function meanSql(
  recipe: Recipe,
  {
    input,
    means,
    otherwise,
    place,
  }: { readonly input: number; readonly means: readonly number[]; readonly otherwise: number; readonly place: number },
  binding: Binding,
): string {
  const code = codeSql(recipe, input, binding);
  const cross = binding.crossMeans?.means.get(place);
  const looked = cross
    ? `list_extract(${list(cross)}, (${code}) * ${binding.crossMeans!.folds} + (h % ${binding.crossMeans!.folds})::INTEGER + 1)`
    : `list_extract(${list(means)}, (${code}) + 1)`;
  return `coalesce(${looked}, ${number(otherwise)})`;
}

function datePartSql(part: DatePart, epoch: string): string {
  const moment = `make_timestamp((${epoch} * 1000000)::BIGINT)`;
  if (part === "time") return `${epoch} / 86400`;
  return part === "weekday" ? `isodow(${moment})::DOUBLE` : `date_part('${part}', ${moment})::DOUBLE`;
}

const list = (values: readonly number[]): string => `[${values.map(number).join(", ")}]::DOUBLE[]`;
/** With an exponent, so that SQL reads a double and never a decimal of few digits. */
const number = (value: number): string => `(${value.toExponential()}::DOUBLE)`;
