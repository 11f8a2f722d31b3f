/**
 * What each column is worth to a model on rows it has not seen (Breiman, "Random forests", 2001, for any model): how much
 * worse the predictions become when the column's values are dealt out to other rows. The gain that trees and weights
 * report is of the training rows, and favours columns of many values.
 */
import { type Matrix, sampleWithoutReplacement, seededRandom, shuffle, takeRows } from "@streamer/models";
import { keptFeatures, type Recipe } from "../preprocess/recipe.ts";
import type { Tell } from "../progress.ts";
import { predict, type Supervised } from "./fit-supervised.ts";
import type { Loss } from "./measures.ts";

interface ColumnWorth {
  readonly column: string;
  /** How much the loss rises, and how far the repeats lie apart (standard deviation). */
  readonly mean: number;
  readonly std: number;
}

export interface Permutation {
  readonly measure: string;
  readonly rows: number;
  readonly repeats: number;
  /** The most important first. */
  readonly columns: readonly ColumnWorth[];
  /** Columns that were too many to be measured, the least important by gain. */
  readonly unmeasured: number;
}

export const REPEATS = 5;
/** Rows predicted in all: it bounds the time whatever the table. */
export const MOST_PREDICTED = 400_000;
export const MOST_ROWS = 5_000;
const LEAST_ROWS = 200;
const MOST_COLUMNS = 40;

export interface PermutationTerms {
  readonly recipe: Recipe;
  readonly loss: Loss;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly tell: Tell;
}

interface Held {
  readonly x: Matrix;
  readonly y: Float64Array;
}

export async function permutationImportances(model: Supervised, held: Held, terms: PermutationTerms): Promise<Permutation> {
  const { recipe, loss, seed, signal, tell } = terms;
  const random = seededRandom(seed);
  const all = featuresByColumn(recipe, model);
  const measured = all.slice(0, MOST_COLUMNS);
  const affordable = Math.floor(MOST_PREDICTED / (REPEATS * Math.max(1, measured.length)));
  const { x, y } = sampled(held, Math.min(MOST_ROWS, Math.max(LEAST_ROWS, affordable)), random);
  const before = loss.of(y, await predict(model, x, { signal }));
  const columns: ColumnWorth[] = [];
  for (const [column, places] of measured) {
    const rises: number[] = [];
    for (let repeat = 0; repeat < REPEATS; repeat += 1) {
      const order = shuffle(Int32Array.from(y.keys()), random);
      rises.push(loss.of(y, await predict(model, dealtOut(x, places, order), { signal })) - before);
    }
    columns.push({ column, ...spreadOf(rises) });
    tell(columns.length / measured.length, `What columns are worth: ${columns.length} of ${measured.length}`);
  }
  columns.sort((a, b) => b.mean - a.mean);
  return { measure: loss.name, rows: y.length, repeats: REPEATS, columns, unmeasured: all.length - measured.length };
}

/** All features of a column go together. Those with the largest gain come first, where the model knows one. */
function featuresByColumn(recipe: Recipe, model: Supervised): (readonly [string, readonly number[]])[] {
  const places = new Map<string, number[]>();
  for (const [place, { sources }] of keptFeatures(recipe).entries()) {
    for (const source of sources) places.set(source, [...(places.get(source) ?? []), place]);
  }
  const gains = model.importances();
  const gainOf = (own: readonly number[]): number => own.reduce((sum, place) => sum + (gains?.[place] ?? 0), 0);
  return [...places].toSorted(([, a], [, b]) => gainOf(b) - gainOf(a));
}

function sampled({ x, y }: Held, most: number, random: () => number): Held {
  if (y.length <= most) return { x, y };
  const rows = sampleWithoutReplacement(random, most, y.length);
  return { x: takeRows(x, rows), y: Float64Array.from(rows, (row) => y[row]!) };
}

function dealtOut(x: Matrix, places: readonly number[], order: Int32Array): Matrix {
  const columns = [...x.columns];
  for (const place of places) {
    const values = x.columns[place]!;
    columns[place] = Float64Array.from(order, (row) => values[row]!);
  }
  return { ...x, columns };
}

function spreadOf(values: readonly number[]): { readonly mean: number; readonly std: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, std: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)) };
}
