/**
 * What the training rows say about texts: which categories there are, and how they become numbers. Few categories become
 * a feature each; many become their target's mean where there is one target to speak of, or else their place by
 * frequency.
 *
 * A target mean is shrunk to the overall mean by PRIOR_ROWS (Micci-Barreca, "A preprocessing scheme for high-cardinality
 * categorical attributes", 2001). In the rows it is fitted on it is taken from the other folds only: a category of one
 * row would otherwise hand the model that row's own target.
 */
import type { Database } from "../../duckdb/database.ts";
import type { ProcessOptions } from "../options.ts";
import type { Dropped, InputColumn } from "./columns.ts";
import type { FittedInput } from "./fit-numbers.ts";
import type { Making, TextInput } from "./recipe.ts";

const PRIOR_ROWS = 20;
export const CROSS_FOLDS = 5;
/** Text where most rows have a value of their own is a name or a sentence, not a category. */
const MOST_DISTINCT_SHARE = 0.5;
const FEW_DISTINCT = 20;

export interface TextTerms {
  readonly where: string;
  readonly options: ProcessOptions;
  /** SQL of the number whose mean encodes a category: the target, or the probability of the one class in question. */
  readonly meanOf: string | undefined;
}

export interface FittedText extends FittedInput<TextInput> {
  /** Out-of-fold means, by category and fold, of its "mean" feature. */
  readonly crossMeans?: readonly number[];
}

interface Category {
  readonly category: string | null;
  readonly rows: number;
  readonly sums: { readonly items: readonly number[] } | null;
  readonly counts: { readonly items: readonly number[] } | null;
}

export async function fitText(database: Database, column: InputColumn, terms: TextTerms): Promise<FittedText | Dropped> {
  const { where, options } = terms;
  const { name, cell } = column;
  const [seen] = await database.rows<{ all: number; present: number; distinct: number }>(
    `SELECT count(*)::DOUBLE AS "all", count(${cell})::DOUBLE AS present, count(DISTINCT ${cell})::DOUBLE AS "distinct" FROM clean WHERE ${where}`,
  );
  const { all, present, distinct } = seen ?? { all: 0, present: 0, distinct: 0 };
  const hasGaps = present < all;
  if (present === 0) return { column: name, reason: "no value in the training rows" };
  if (distinct > FEW_DISTINCT && distinct > MOST_DISTINCT_SHARE * present) {
    return { column: name, reason: `${distinct} different texts in ${present} rows: a name or free text, not a category` };
  }
  const found = await categoriesOf(database, cell, terms);
  if (distinct === 1 && !hasGaps) return { column: name, reason: `constant: "${found[0]?.category}" in every training row` };
  const categories = found.flatMap(({ category }) => (category === null ? [] : [category]));
  const asCategory = options.missing_categories === "category";
  const input: TextInput = { kind: "text", column: name, categories, ...(!asCategory && { fill: categories[0] }) };
  const indicator =
    hasGaps && options.missing_indicators && !asCategory
      ? [{ name: `${name} is missing`, making: (at: number): Making => ({ by: "missing", input: at }) }]
      : [];
  const encoding = encodingOf(options, categories.length, terms.meanOf !== undefined);
  if (encoding === "target") {
    const { means, otherwise, crossMeans } = targetMeans(found);
    return { input, crossMeans, makings: [{ name, making: (at) => ({ by: "mean", input: at, means, otherwise }) }, ...indicator] };
  }
  if (encoding === "ordinal") return { input, makings: [{ name, making: (at) => ({ by: "code", input: at }) }, ...indicator] };
  const names = asCategory && hasGaps ? [...categories, "(missing)"] : categories;
  // Two categories are told apart by one feature; a second would say the same once more.
  const shown = names.length === 2 && !(asCategory && hasGaps) ? names.slice(0, 1) : names;
  const each = shown.map((category, code) => ({
    name: `${name} = ${category}`,
    making: (at: number): Making => ({ by: "category", input: at, code }),
  }));
  return { input, makings: [...each, ...indicator] };
}

function encodingOf({ encoding, one_hot_limit }: ProcessOptions, categories: number, hasMean: boolean): "one_hot" | "target" | "ordinal" {
  const beyond = hasMean ? "target" : "ordinal";
  if (encoding === "auto" || encoding === "one_hot") return categories <= one_hot_limit ? "one_hot" : beyond;
  return encoding === "target" ? beyond : "ordinal";
}

/** The commonest first; missing texts are among them, as null. */
async function categoriesOf(database: Database, cell: string, { where, options, meanOf }: TextTerms): Promise<readonly Category[]> {
  const folds = Array.from({ length: CROSS_FOLDS }, (_, fold) => `h % ${CROSS_FOLDS} = ${fold}`);
  const sums =
    meanOf === undefined ? "NULL" : `[${folds.map((fold) => `coalesce(sum(${meanOf}) FILTER (${fold}), 0)::DOUBLE`).join(", ")}]`;
  const counts = meanOf === undefined ? "NULL" : `[${folds.map((fold) => `(count(*) FILTER (${fold}))::DOUBLE`).join(", ")}]`;
  return database.rows<Category>(
    `SELECT ${cell} AS category, count(*)::DOUBLE AS rows, ${sums} AS sums, ${counts} AS counts FROM clean WHERE ${where}
     GROUP BY ${cell} ORDER BY rows DESC, category NULLS LAST LIMIT ${options.category_limit + 1}`,
  );
}

function targetMeans(found: readonly Category[]): { means: readonly number[]; otherwise: number; crossMeans: readonly number[] } {
  const folds = Array.from({ length: CROSS_FOLDS }, (_, fold) => fold);
  const total = (pick: (category: Category) => number): number => found.reduce((sum, category) => sum + pick(category), 0);
  const sumOf = ({ sums }: Category, without?: number): number =>
    folds.reduce((sum, fold) => (fold === without ? sum : sum + sums!.items[fold]!), 0);
  const countOf = ({ counts }: Category, without?: number): number =>
    folds.reduce((sum, fold) => (fold === without ? sum : sum + counts!.items[fold]!), 0);
  const overall = (without?: number): number =>
    total((one) => sumOf(one, without)) /
    Math.max(
      1,
      total((one) => countOf(one, without)),
    );
  const shrunk = (category: Category, mean: number, without?: number): number =>
    (sumOf(category, without) + PRIOR_ROWS * mean) / (countOf(category, without) + PRIOR_ROWS);
  const otherwise = overall();
  const overallWithout = folds.map((fold) => overall(fold));
  // Categories first, in the order of their codes; missing, when it is one of its own, after them.
  const coded = [...found.filter(({ category }) => category !== null), ...found.filter(({ category }) => category === null)];
  return {
    means: coded.map((category) => shrunk(category, otherwise)),
    otherwise,
    crossMeans: coded.flatMap((category) => folds.map((fold) => shrunk(category, overallWithout[fold]!, fold))),
  };
}
