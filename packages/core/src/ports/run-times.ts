/** What runs took, kept so that a restart forgets nothing: for estimates, by action and class of input size. */
import type { Durations } from "../rules/durations.ts";

export type DurationsBySize = ReadonlyMap<number, Durations>;

export interface RunTimes {
  of(action: string): Promise<DurationsBySize>;
  /** Appends newer runs to what is there, in one step: whoever else adds meanwhile loses nothing. */
  add(action: string, newer: DurationsBySize): Promise<void>;
}
