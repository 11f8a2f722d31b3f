/**
 * Columns that alone predict the target almost perfectly: most often they are known only once the target is (the date of
 * a cancellation, a fee that follows from it), and the model is worth nothing on rows to come. Each column is judged by
 * itself: its values in groups, what the target is in each group by one half of a sample, measured on the other half.
 */
import { classificationScores, confusionMatrix, regressionScores, sampleWithoutReplacement, seededRandom, shuffle } from "@streamer/models";
import { keptFeatures, type Recipe } from "../preprocess/recipe.ts";
import type { Rows } from "../preprocess/load-matrix.ts";
import type { Target } from "../preprocess/target.ts";
import type { Warning } from "../../warnings.ts";

const SAMPLE_ROWS = 10_000;
const LEAST_ROWS = 100;
/** Groups of the values of a number, of equally many rows. */
const GROUPS = 100;
/** Balanced accuracy, or R², from which a column is too good to be true. */
const TOO_GOOD = 0.99;

export function leakWarnings(
  rows: Rows,
  { recipe, target, seed }: { readonly recipe: Recipe; readonly target: Target; readonly seed: number },
): Warning[] {
  if (rows.y.length < LEAST_ROWS) return [];
  const random = seededRandom(seed);
  const sample = shuffle(sampleWithoutReplacement(random, Math.min(SAMPLE_ROWS, rows.y.length), rows.y.length), random);
  const halves: Halves = { fitted: sample.subarray(0, sample.length >> 1), judged: sample.subarray(sample.length >> 1) };
  const best = new Map<string, number>();
  for (const { column, groups } of groupings(rows, recipe, halves.fitted)) {
    best.set(
      column,
      Math.max(
        best.get(column) ?? 0,
        target.kind === "class" ? classScore(rows, groups, { halves, target }) : numberScore(rows, groups, halves),
      ),
    );
  }
  return [...best].filter(([, score]) => score >= TOO_GOOD).map(([column, score]) => warningOf(column, score, target));
}

interface Halves {
  readonly fitted: Int32Array;
  readonly judged: Int32Array;
}

function warningOf(column: string, score: number, target: Target): Warning {
  const measure = target.kind === "class" ? "balanced accuracy" : "R²";
  const message = `"${column}" alone predicts "${target.column}" almost perfectly (${measure} ${score.toFixed(3)}). Is it known before "${target.column}" is? If not, leave it out of the features: on rows to come the model would be worth nothing.`;
  return { kind: "leak_column", message, column };
}

/** The group of each row, by column: categories as they are, numbers by their place among others. */
function* groupings(
  { x }: Rows,
  recipe: Recipe,
  fitted: Int32Array,
): Generator<{ readonly column: string; readonly groups: (row: number) => number }> {
  const categories = new Map<string, number[]>();
  for (const [place, { sources, making }] of keptFeatures(recipe).entries()) {
    const [column] = sources;
    if (sources.length > 1 || column === undefined || making.by === "missing") continue;
    const values = x.columns[place]!;
    if (making.by === "category") categories.set(column, [...(categories.get(column) ?? []), place]);
    else {
      const edges = edgesOf(values, fitted);
      yield { column, groups: (row) => placeOf(edges, values[row]!) };
    }
  }
  for (const [column, places] of categories) {
    const highest = places.map((place) => x.columns[place]!.reduce((most, value) => Math.max(most, value), -Infinity));
    yield { column, groups: (row) => places.findIndex((place, at) => x.columns[place]![row] === highest[at]) };
  }
}

function edgesOf(values: Float64Array, fitted: Int32Array): Float64Array {
  const sorted = Float64Array.from(fitted, (row) => values[row]!).sort();
  return Float64Array.from(new Set(Array.from({ length: GROUPS }, (_, group) => sorted[Math.floor((group * sorted.length) / GROUPS)]!)));
}

/** How many of the edges are at most the value. */
function placeOf(edges: Float64Array, value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Every class counts the same: a column that only says the common one is no leak. */
function classScore(
  { y }: Rows,
  groups: (row: number) => number,
  { halves, target }: { readonly halves: Halves; readonly target: Target },
): number {
  const { length: classCount } = target.classes;
  const totals = new Float64Array(classCount);
  const counts = new Map<number, Float64Array>();
  for (const row of halves.fitted) {
    const own = counts.get(groups(row)) ?? new Float64Array(classCount);
    own[y[row]!]! += 1;
    totals[y[row]!]! += 1;
    counts.set(groups(row), own);
  }
  const guess = (row: number): number => {
    const shares = counts.get(groups(row))?.map((count, code) => count / (totals[code]! || Infinity)) ?? totals;
    return shares.indexOf(shares.reduce((most, share) => Math.max(most, share), 0));
  };
  const truth = halves.judged.map((row) => y[row]!);
  return classificationScores(confusionMatrix(truth, halves.judged.map(guess), classCount)).balancedAccuracy;
}

function numberScore({ y }: Rows, groups: (row: number) => number, { fitted, judged }: Halves): number {
  const sums = new Map<number, { total: number; rows: number }>();
  for (const row of fitted) {
    const own = sums.get(groups(row)) ?? { total: 0, rows: 0 };
    own.total += y[row]!;
    own.rows += 1;
    sums.set(groups(row), own);
  }
  const overall = fitted.reduce((total, row) => total + y[row]!, 0) / fitted.length;
  const guesses = Float64Array.from(judged, (row) => {
    const own = sums.get(groups(row));
    return own ? own.total / own.rows : overall;
  });
  return regressionScores(
    Float64Array.from(judged, (row) => y[row]!),
    guesses,
  ).r2;
}
