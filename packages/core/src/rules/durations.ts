/**
 * How long runs took, as a sketch of bounded size in which newer runs weigh more. Any quantile is known to within
 * ACCURACY, from at most 205 numbers for times of a millisecond to a week.
 *
 * Bins are logarithmic: x ms falls into bin ⌈log_γ x⌉ with γ = (1 + a) / (1 − a) and stands for 2γ^bin / (γ + 1), so the
 * relative error is at most a (DDSketch: Masson, Rim, Lee, VLDB 2019, §2). Each run weighs 1 / (1 − 1/MEMORY) times the
 * one before it; only ratios of weights count, so recording one touches one bin (forward decay: Cormode, Shkapenyuk,
 * Srivastava, Xu, ICDE 2009).
 */
export interface Quantiles {
  readonly p50Ms: number;
  readonly p90Ms: number;
}

export interface Durations {
  /** Runs recorded in all. */
  count: number;
  /** What the next run will weigh. */
  weight: number;
  /** Weight of the runs in each bin. */
  readonly bins: Map<number, number>;
}

const ACCURACY = 0.05;
const GAMMA = (1 + ACCURACY) / (1 - ACCURACY);
const LOG_GAMMA = Math.log(GAMMA);
/** A run counts for half after 17 more: enough for a 90th percentile, few enough to follow a change (bench: estimates). */
const MEMORY = 24;
const DECAY = 1 - 1 / MEMORY;
/** Fewer recorded runs than this say nothing yet. */
export const MIN_RUNS = 5;
/** Weights are brought back below this, long before a double loses digits. */
const MAX_WEIGHT = 1e12;
/** Lighter bins, as parts of a run, are forgotten. */
const MIN_WEIGHT = 1e-3;

export const noDurations = (): Durations => ({ count: 0, weight: 1, bins: new Map() });

export const binOf = (ms: number): number => (ms <= 1 ? 0 : Math.ceil(Math.log(ms) / LOG_GAMMA));

export const record = (durations: Durations, runMs: number): void => recordBin(durations, binOf(runMs));

export function recordBin(durations: Durations, bin: number): void {
  addPart(durations, bin, 1);
  countRun(durations);
}

/** One run whose weight is divided over several bins; its parts add up to 1. */
export function recordParts(durations: Durations, parts: readonly (readonly [bin: number, part: number])[]): void {
  for (const [bin, part] of parts) addPart(durations, bin, part);
  countRun(durations);
}

const addPart = ({ bins, weight }: Durations, bin: number, part: number): void => void bins.set(bin, (bins.get(bin) ?? 0) + part * weight);

function countRun(durations: Durations): void {
  durations.count += 1;
  durations.weight /= DECAY;
  if (durations.weight > MAX_WEIGHT) rescale(durations, 1 / durations.weight, 1);
}

/** Adds runs recorded elsewhere, as if they had been recorded here, later than all there are. */
export function append(durations: Durations, newer: Durations): void {
  rescale(durations, DECAY ** newer.count / durations.weight, 1);
  for (const [bin, weight] of newer.bins) durations.bins.set(bin, (durations.bins.get(bin) ?? 0) + weight / newer.weight);
  durations.count += newer.count;
}

function rescale(durations: Durations, factor: number, weight: number): void {
  for (const [bin, old] of durations.bins) {
    if (old * factor < MIN_WEIGHT) durations.bins.delete(bin);
    else durations.bins.set(bin, old * factor);
  }
  durations.weight = weight;
}

/** All of several sketches together. */
export function merged(several: Iterable<Durations>): Durations {
  const all = noDurations();
  for (const { count, weight, bins } of several) {
    for (const [bin, part] of bins) all.bins.set(bin, (all.bins.get(bin) ?? 0) + part / weight);
    all.count += count;
  }
  return all;
}

/** Median and 90th percentile of the runs that took longer than `aboveMs`; undefined while too few are recorded. */
export function quantiles({ count, weight, bins }: Durations, aboveMs = 0): Quantiles | undefined {
  if (count < MIN_RUNS) return undefined;
  const longer = Array.from(bins, ([bin, part]) => ({ ms: (2 * GAMMA ** bin) / (GAMMA + 1), part }))
    .filter(({ ms }) => ms > aboveMs)
    .toSorted((a, b) => a.ms - b.ms);
  const total = longer.reduce((sum, { part }) => sum + part, 0);
  // What is left of one run long ago is no evidence.
  if (total < weight / 2) return undefined;
  const at = (q: number): number => {
    let sum = 0;
    return longer.find(({ part }) => (sum += part) >= q * total)!.ms;
  };
  return { p50Ms: at(0.5), p90Ms: at(0.9) };
}

/** Which part of the runs took no longer than `ms`, to within the accuracy of a bin. */
export function shareUpTo({ bins }: Durations, ms: number): number {
  const last = binOf(ms);
  let [upTo, all] = [0, 0];
  for (const [bin, part] of bins) {
    all += part;
    if (bin <= last) upTo += part;
  }
  return all === 0 ? 0 : upTo / all;
}

/** As text for a store: `[count, bin, weight, bin, weight, …]`, weights by that of the next run. */
export function printDurations({ count, weight, bins }: Durations): string {
  return JSON.stringify([count, ...Array.from(bins, ([bin, part]) => [bin, Math.round((part / weight) * 1_000) / 1_000]).flat()]);
}

export function parseDurations(text: string): Durations {
  const [count = 0, ...rest] = JSON.parse(text) as number[];
  const bins = new Map<number, number>();
  for (let at = 0; at + 1 < rest.length; at += 2) bins.set(rest[at]!, rest[at + 1]!);
  return { count, weight: 1, bins };
}
