/** What runs took, kept so that a restart forgets nothing. Each action has series of them, named in rules/run-series.ts. */
import type { Durations } from "../rules/durations.ts";

/** Lower-case letters, digits and `_`: a name that any store can use as a column's value or an attribute. */
export type RunSeries = `size_${number}` | `ratio_${number}` | `course_${number}` | `late_${number}` | "within_p90";
export type RecordedSeries = ReadonlyMap<RunSeries, Durations>;

export interface RunTimes {
  of(action: string): Promise<RecordedSeries>;
  /** Appends newer runs to those stored, in one atomic step: what others append meanwhile is kept. */
  add(action: string, newer: RecordedSeries): Promise<void>;
}
