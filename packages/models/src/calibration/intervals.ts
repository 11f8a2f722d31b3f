/**
 * Intervals that follow the size of the prediction. Split conformal prediction (Lei et al., "Distribution-free predictive
 * inference for regression", 2018) takes a quantile of the held-out absolute errors, with the finite-sample correction
 * (n + 1) / n: one width for all, too wide where errors are small and too narrow where they are large. Here the quantile
 * is taken among rows of like prediction, as Mondrian conformal regressors do (Boström and Johansson 2020), in windows
 * that overlap and are joined by straight lines; the whole is then scaled as locally weighted conformal prediction is
 * (Lei et al., section 5.2), so that the level holds over all rows.
 */
export interface IntervalBand {
  /** Rising predictions, and half the width of the interval at each; between them straight lines, beyond them level. */
  readonly positions: readonly number[];
  readonly halfWidths: readonly number[];
}

/** Rows of a window: fewer make its quantile a matter of chance. */
const LEAST_WINDOW_ROWS = 60;
const WINDOWS = 6;
/** No width is nothing: a window without errors is still measured against. */
const LEAST_SHARE = 1e-9;

export function fitIntervals(truth: Float64Array, predicted: Float64Array, level: number): IntervalBand {
  const order = Int32Array.from(truth.keys()).sort((a, b) => predicted[a]! - predicted[b]!);
  const errors = Float64Array.from(order, (row) => Math.abs(truth[row]! - predicted[row]!));
  const places = Float64Array.from(order, (row) => predicted[row]!);
  const overall = conformalQuantile(errors, level);
  const rows = Math.max(LEAST_WINDOW_ROWS, Math.ceil(errors.length / WINDOWS));
  if (errors.length < 2 * rows) return { positions: [0], halfWidths: [overall] };
  const local = windowed(places, errors, { rows, level, least: LEAST_SHARE * overall });
  const scale = conformalQuantile(
    errors.map((error, at) => error / halfWidthAt(local, places[at]!)),
    level,
  );
  return { positions: local.positions, halfWidths: local.halfWidths.map((halfWidth) => halfWidth * scale) };
}

interface WindowTerms {
  readonly rows: number;
  readonly level: number;
  readonly least: number;
}

function windowed(places: Float64Array, errors: Float64Array, { rows, level, least }: WindowTerms): IntervalBand {
  const positions: number[] = [];
  const halfWidths: number[] = [];
  const steps = Math.ceil((2 * (errors.length - rows)) / rows);
  for (let step = 0; step <= steps; step += 1) {
    const from = Math.round((step * (errors.length - rows)) / steps);
    const position = places[from + (rows >> 1)]!;
    const halfWidth = Math.max(least || Number.MIN_VALUE, conformalQuantile(errors.slice(from, from + rows), level));
    if (position === positions.at(-1)) halfWidths[positions.length - 1] = Math.max(halfWidth, halfWidths.at(-1)!);
    else {
      positions.push(position);
      halfWidths.push(halfWidth);
    }
  }
  return { positions, halfWidths };
}

function conformalQuantile(errors: Float64Array, level: number): number {
  const sorted = errors.toSorted();
  const rank = Math.ceil((sorted.length + 1) * level) - 1;
  return sorted[Math.min(rank, sorted.length - 1)] ?? Number.NaN;
}

export function halfWidthAt({ positions, halfWidths }: IntervalBand, prediction: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (positions[middle]! < prediction) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return halfWidths[0]!;
  if (low === positions.length) return halfWidths[low - 1]!;
  const share = (prediction - positions[low - 1]!) / (positions[low]! - positions[low - 1]!);
  return halfWidths[low - 1]! + share * (halfWidths[low]! - halfWidths[low - 1]!);
}
