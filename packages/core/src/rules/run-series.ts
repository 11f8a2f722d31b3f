/**
 * In which series a run is recorded, and what a series then says of another run. Pure.
 *
 * - `size_N`: run times, by the class of the input's size. What an action without an estimate by input is judged by.
 * - `ratio_N`: actual to declared time, by the class of the declared time. Where the author computes an estimate from
 *   the input, what is left to learn is by how much it is off: a 1 s job among 9 s jobs of the same size stays 1 s.
 * - `course_N`: where their time went by percentage, and `late_N`: how much later they were than their pace told at half
 *   their time. N is the class that the action's times are judged by.
 * - `within_p90`: whether runs ended within the 90th percentile that was told when they began.
 */
import type { RunSeries } from "../ports/run-times.ts";
import { shareUpTo, type Durations, type Quantiles } from "./durations.ts";

/** What is known of a run before it begins. */
export interface RunKind {
  readonly action: string;
  /** Class of its payload's size: rules/input-size.ts. */
  readonly size: number;
  /** What its handler's estimate says; undefined when it says nothing. */
  readonly declaredMs: number | undefined;
}

/** Which of the runs told a 90th percentile ended within it: newer ones weigh more, as in every estimate. */
export interface Calibration {
  /** 0–1. */
  readonly withinP90: number;
  /** Runs counted in all. */
  readonly runs: number;
}

const SERIES = /^(size_\d+|ratio_\d+|course_\d+|late_\d+|within_p90)$/;
export const isRunSeries = (name: string): name is RunSeries => SERIES.test(name);

/** Made once each: they are asked for at every run, and there are some dozens. */
const SIZES: RunSeries[] = [];
const RATIOS: RunSeries[] = [];
const COURSES: RunSeries[] = [];
const LATES: RunSeries[] = [];
export const sizeSeries = (size: number): RunSeries => (SIZES[size] ??= `size_${size}`);
export function ratioSeries(declaredMs: number): RunSeries {
  const scale = scaleOf(declaredMs);
  return (RATIOS[scale] ??= `ratio_${scale}`);
}
const scaleOf = (declaredMs: number): number => Math.floor(Math.log2(1 + declaredMs));
/** What is declared for any input has no class of its own: the input's size has. */
const classOf = ({ size, declaredMs }: RunKind, isByInput: boolean): number =>
  declaredMs !== undefined && isByInput ? scaleOf(declaredMs) : size;
export function courseSeries(kind: RunKind, isByInput: boolean): RunSeries {
  const scale = classOf(kind, isByInput);
  return (COURSES[scale] ??= `course_${scale}`);
}
export function lateSeries(kind: RunKind, isByInput: boolean): RunSeries {
  const scale = classOf(kind, isByInput);
  return (LATES[scale] ??= `late_${scale}`);
}

/**
 * Added to both times before they are divided. What a run costs beside its work is milliseconds: without this, a job
 * declared as 1 ms that takes 10 would teach that a job of an hour takes ten. It also gives a declared 0 a ratio.
 */
const OVERHEAD_MS = 10;
/** Sketches tell times from 1 up apart: ratios are recorded as the time of a run that was declared as so many ms. */
const RATIO_UNIT = 1_000_000;

/** A time of a run that was declared as `declaredMs`, as `ratio_N` holds it. */
export const asRatio = (ms: number, declaredMs: number): number => ((ms + OVERHEAD_MS) / (declaredMs + OVERHEAD_MS)) * RATIO_UNIT;

/** What quantiles of ratios mean for a run that is declared as `declaredMs`. */
export function fromRatios({ p50Ms, p90Ms }: Quantiles, declaredMs: number): Quantiles {
  const ms = (ratio: number): number => Math.max(0, (ratio / RATIO_UNIT) * (declaredMs + OVERHEAD_MS) - OVERHEAD_MS);
  return { p50Ms: ms(p50Ms), p90Ms: ms(p90Ms) };
}

/** A lateness, as `late_N` holds it. */
export const asLateness = (lateness: number): number => lateness * RATIO_UNIT;
export const fromLateness = (recorded: number): number => recorded / RATIO_UNIT;

/** The two times that stand in `within_p90` for yes and no; any two bins of the sketch would do. */
const WITHIN_MS = 1;
const BEYOND_MS = 1_000;

/** What `within_p90` records of a run. */
export const asCalibration = (isWithin: boolean): number => (isWithin ? WITHIN_MS : BEYOND_MS);

export function calibrationOf(within: Durations | undefined): Calibration | undefined {
  if (!within || within.count === 0) return undefined;
  return { withinP90: shareUpTo(within, WITHIN_MS), runs: within.count };
}
