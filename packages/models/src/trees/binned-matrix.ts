/**
 * Every value replaced by one of up to 255 bins, one byte each, column by column: what gradient boosting reads instead of
 * the values. Columns of two values are bundled (bundles.ts). A column with few distinct values gets a bin for each, the
 * others bins of about equally many rows; a missing value has a bin of its own after the last.
 */
import { bundle, twoValued, twoValuesOf, type TwoValued } from "./bundles.ts";
import type { Matrix } from "../matrix.ts";
import type { Steps } from "../pacing.ts";
import { seededRandom } from "../random.ts";
import { thresholdBetween } from "./ranked-columns.ts";

export interface BinnedFeature {
  readonly feature: number;
  /** Which of the columns after bundling. */
  readonly column: number;
  /** First bin of that column among all bins. */
  readonly offset: number;
  /** Upper bounds of all bins but the last; a value belongs to the first bin whose bound is not below it. */
  readonly thresholds: Float64Array;
  readonly hasMissing: boolean;
  /** In a bundle: the code that means "the higher value"; 0 for a column of its own. */
  readonly member: number;
}

/** A column after bundling: the bin of each row. */
export interface BinnedColumn {
  readonly codes: Uint8Array;
  /** First bin of the column among all bins. */
  readonly offset: number;
}

export interface BinnedMatrix {
  readonly columns: readonly BinnedColumn[];
  readonly binCount: number;
  readonly features: readonly BinnedFeature[];
}

/** Quantiles of this many values are as good as of all: the error is far below one of 255 bins. */
const MOST_SAMPLED = 200_000;

export function* binMatrix(x: Matrix, maxBins: number): Steps<BinnedMatrix> {
  const columns: BinnedColumn[] = [];
  const features: BinnedFeature[] = [];
  const pairs: TwoValued[] = [];
  let offset = 0;
  for (let feature = 0; feature < x.columns.length; feature += 1) {
    const values = x.columns[feature]!;
    const two = twoValuesOf(values);
    yield;
    if (two) {
      pairs.push(twoValued(feature, values, two[1]));
      continue;
    }
    const hasMissing = values.some((value) => Number.isNaN(value));
    const thresholds = thresholdsOf(values, maxBins);
    yield;
    features.push({ feature, column: columns.length, offset, thresholds, hasMissing, member: 0 });
    columns.push({ codes: codesOf(values, thresholds), offset });
    offset += thresholds.length + (hasMissing ? 2 : 1);
    yield;
  }
  for (const { codes, features: members } of bundle(pairs, x.rowCount)) {
    members.forEach((feature, index) => {
      const [low, high] = twoValuesOf(x.columns[feature]!)!;
      const thresholds = Float64Array.of(thresholdBetween(low, high));
      features.push({ feature, column: columns.length, offset, thresholds, hasMissing: false, member: index + 1 });
    });
    columns.push({ codes, offset });
    offset += members.length + 1;
    yield;
  }
  return { columns, features, binCount: offset };
}

/** Halfway between neighbours: between all distinct values if they are few, otherwise at equal steps through the rows. */
function thresholdsOf(values: Float64Array, maxBins: number): Float64Array {
  const known = sampled(values)
    .filter((value) => !Number.isNaN(value))
    .sort();
  const distinct: number[] = [];
  for (let at = 0; at < known.length && distinct.length <= maxBins; at += 1) if (known[at] !== known[at - 1]) distinct.push(known[at]!);
  if (distinct.length <= maxBins) {
    return Float64Array.from({ length: Math.max(0, distinct.length - 1) }, (_, at) => thresholdBetween(distinct[at]!, distinct[at + 1]!));
  }
  const thresholds: number[] = [];
  for (let bin = 1; bin < maxBins; bin += 1) {
    const place = (bin / maxBins) * (known.length - 1);
    const below = known[Math.floor(place)]!;
    const threshold = thresholdBetween(below, known[Math.ceil(place)]!);
    if (threshold !== thresholds.at(-1)) thresholds.push(threshold);
  }
  return Float64Array.from(thresholds);
}

/** A random row of each of as many equal stretches: evenly spaced ones would miss what repeats at that very step. */
function sampled(values: Float64Array): Float64Array {
  if (values.length <= MOST_SAMPLED) return values.slice();
  const step = values.length / MOST_SAMPLED;
  const random = seededRandom(values.length);
  return Float64Array.from({ length: MOST_SAMPLED }, (_, at) => values[Math.floor((at + random()) * step)]!);
}

function codesOf(values: Float64Array, thresholds: Float64Array): Uint8Array {
  const codes = new Uint8Array(values.length);
  const missing = thresholds.length + 1;
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row]!;
    if (Number.isNaN(value)) {
      codes[row] = missing;
      continue;
    }
    let low = 0;
    let high = thresholds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (thresholds[middle]! < value) low = middle + 1;
      else high = middle;
    }
    codes[row] = low;
  }
  return codes;
}
