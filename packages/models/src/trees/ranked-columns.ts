/**
 * Every value replaced by its rank among the column's distinct values: a forest then compares, counts and sorts small
 * whole numbers, and a threshold is still exact, halfway between two values that occur. A column of more than
 * MOST_RANKS distinct values has neighbours share a rank, in equal numbers of rows.
 */
import { bundle, twoValued, twoValuesOf, type TwoValued } from "./bundles.ts";
import type { Matrix } from "../matrix.ts";
import type { Steps } from "../pacing.ts";

/** Ranks are kept in 16 bits; the sort of small nodes relies on it. */
const MOST_RANKS = 65_536;

/** A column as the forest reads it: its own ranks, or membership in a bundle. */
export interface RankedFeature {
  readonly codes: Uint16Array;
  readonly rankCount: number;
  /** Lowest and highest value of each rank. */
  readonly lows: Float64Array;
  readonly highs: Float64Array;
  /** In a bundle: the code that means "the higher value"; 0 for a column of its own. */
  readonly member: number;
  /** Which bundle, or -1. */
  readonly bundle: number;
}

export interface RankedBundle {
  readonly index: number;
  readonly codes: Uint16Array;
  /** Feature of member 1, 2, … */
  readonly features: readonly number[];
}

export interface RankedColumns {
  readonly features: readonly RankedFeature[];
  readonly bundles: readonly RankedBundle[];
}

export function* rankColumns(x: Matrix): Steps<RankedColumns> {
  const features: RankedFeature[] = [];
  const pairs: TwoValued[] = [];
  for (let feature = 0; feature < x.columns.length; feature += 1) {
    const values = x.columns[feature]!;
    const two = twoValuesOf(values);
    if (two) pairs.push(twoValued(feature, values, two[1]));
    else features[feature] = ranked(values);
    yield;
  }
  const bundles = bundle(pairs, x.rowCount).map(({ codes, features: members }, index) => ({
    index,
    codes: Uint16Array.from(codes),
    features: members,
  }));
  for (const { index, codes, features: members } of bundles) {
    members.forEach((feature, at) => {
      const two = Float64Array.from(twoValuesOf(x.columns[feature]!)!);
      features[feature] = { codes, rankCount: 2, lows: two, highs: two, member: at + 1, bundle: index };
    });
  }
  return { features, bundles };
}

function ranked(values: Float64Array): RankedFeature {
  const sorted = values.toSorted();
  const groups = distinct(sorted) <= MOST_RANKS ? groupEquals(sorted, 1) : groupEquals(sorted, Math.ceil(sorted.length / (MOST_RANKS - 1)));
  const { lows, highs } = groups;
  const codes = Uint16Array.from(values, (value) => rankOf(value, highs));
  return { codes, rankCount: highs.length, lows, highs, member: 0, bundle: -1 };
}

function distinct(sorted: Float64Array): number {
  let count = 1;
  for (let at = 1; at < sorted.length; at += 1) if (sorted[at] !== sorted[at - 1]) count += 1;
  return count;
}

/** Groups of at least `least` rows; equal values stay together. */
function groupEquals(sorted: Float64Array, least: number): { readonly lows: Float64Array; readonly highs: Float64Array } {
  const lows: number[] = [];
  const highs: number[] = [];
  let begin = 0;
  for (let at = 1; at <= sorted.length; at += 1) {
    const isOpen = at < sorted.length && (sorted[at] === sorted[at - 1] || at - begin < least);
    if (isOpen) continue;
    lows.push(sorted[begin]!);
    highs.push(sorted[at - 1]!);
    begin = at;
  }
  return { lows: Float64Array.from(lows), highs: Float64Array.from(highs) };
}

/** The first group whose highest value is not below. */
function rankOf(value: number, highs: Float64Array): number {
  let low = 0;
  let high = highs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (highs[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Between two neighbouring ranks: halfway, but never rounded up to the upper value, which must go right. */
export function thresholdBetween(below: number, above: number): number {
  const middle = below + (above - below) / 2;
  return middle < above ? middle : below;
}
