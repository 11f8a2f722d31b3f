/**
 * The course of runs: where their time goes by the percentage they stand at. Handlers report work, and work is not
 * time: what a run's percentage says of how much time is over is learned from where earlier runs spent theirs. Pure.
 *
 * A course is a sketch as rules/durations.ts has them, with a bin for each STEP of the percentage instead of one for a
 * time: each run adds its weight, divided over the bins as its time was.
 */
import { MIN_RUNS, type Durations } from "./durations.ts";

/** Percentage points of a bin. */
const STEP = 5;
/** The last one is of runs that have reported 100 and have not ended. */
const BINS = 100 / STEP + 1;

/** Ms that one run spent in each bin. */
export type TimeSpent = Float64Array;
export const noTimeSpent = (): TimeSpent => new Float64Array(BINS);

const binAt = (percentage: number): number => Math.min(BINS - 1, Math.floor(percentage / STEP));

export function spend(spent: TimeSpent, percentage: number, ms: number): void {
  spent[binAt(percentage)]! += Math.max(0, ms);
}

/** Which part of its time a run has behind it at the lower edge of each bin; the last is 1. */
export type Course = readonly number[];

/** Undefined while too few runs are recorded. */
export function courseOf({ count, bins }: Durations): Course | undefined {
  if (count < MIN_RUNS) return undefined;
  return cumulative(Array.from({ length: BINS }, (_, bin) => bins.get(bin) ?? 0));
}

function cumulative(parts: readonly number[]): Course | undefined {
  const total = parts.reduce((sum, part) => sum + part, 0);
  if (!(total > 0)) return undefined;
  let before = 0;
  return [0, ...parts.map((part) => (before += part) / total)];
}

/** Which part of its time a run has behind it, 0–1: as recorded runs had, straight within a bin; its percentage when nothing is known. */
export function timeShare(course: Course | undefined, percentage: number): number {
  if (!course) return percentage / 100;
  if (percentage >= 100) return 1;
  const bin = binAt(percentage);
  const [from, to] = [course[bin]!, course[bin + 1]!];
  return from + (to - from) * (percentage / STEP - bin);
}

/** What a run adds to the sketch; undefined for one that took no time. */
export function partsOf(spent: TimeSpent): readonly (readonly [bin: number, part: number])[] | undefined {
  const total = spent.reduce((sum, ms) => sum + ms, 0);
  if (!(total > 0)) return undefined;
  return Array.from(spent, (ms, bin) => [bin, ms / total] as const).filter(([, part]) => part > 0);
}

/**
 * How much longer what was left at half the run's time took than its pace said then: 1 is as told, 2 twice as long.
 * `course` is what was known when it began.
 */
export function lateness(spent: TimeSpent, course: Course): number {
  const own = cumulative(Array.from(spent)) ?? course;
  const bin = own.findLastIndex((share) => share <= 0.5);
  const [from, to] = [own[bin]!, own[bin + 1]!];
  const percentage = Math.min(100, STEP * (bin + (0.5 - from) / (to - from)));
  const share = timeShare(course, percentage);
  return share >= 1 ? MOST_LATE : Math.min(MOST_LATE, share / (1 - share));
}

/** Later than this says no more than that the percentage says nothing. */
const MOST_LATE = 1_000;
