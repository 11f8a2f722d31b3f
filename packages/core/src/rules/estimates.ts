/** How long a run will take, from runs that were recorded. Pure. */
import type { Eta } from "@streamer/protocol";

export interface Quantiles {
  readonly p50Ms: number;
  readonly p90Ms: number;
}

/** Fewer recorded runs than this say nothing yet. */
const MIN_RECORDED_RUNS = 5;

/** Median and 90th percentile (nearest rank) of recorded run times, or undefined while there are too few. */
export function quantiles(runsMs: readonly number[]): Quantiles | undefined {
  if (runsMs.length < MIN_RECORDED_RUNS) return undefined;
  const sorted = runsMs.toSorted((a, b) => a - b);
  const rank = (q: number): number => sorted[Math.ceil(q * sorted.length) - 1]!;
  return { p50Ms: rank(0.5), p90Ms: rank(0.9) };
}

/**
 * What is left of a run. Early on the recorded runs speak, later its own pace does: the weight of the pace is the
 * progress made. Without recorded runs only the pace is known, and its upper bound is widened by what is still undone.
 */
export function remaining(elapsedMs: number, percentage: number, recorded: Quantiles | undefined): Eta | undefined {
  const done = percentage / 100;
  if (done <= 0) return recorded && eta(recorded.p50Ms - elapsedMs, recorded.p90Ms - elapsedMs);
  const byPace = (elapsedMs * (1 - done)) / done;
  if (!recorded) return eta(byPace, byPace * (2 - done));
  const blend = (quantileMs: number): number => done * byPace + (1 - done) * Math.max(0, quantileMs - elapsedMs);
  return eta(blend(recorded.p50Ms), blend(recorded.p90Ms));
}

/** Queue wait plus run: `position` requests ahead, `slots` at a time. */
export function wholeRun(recorded: Quantiles, position: number, slots: number): Eta {
  const rounds = 1 + Math.floor(position / Math.max(1, slots));
  return eta(recorded.p50Ms * rounds, recorded.p90Ms * rounds);
}

function eta(p50: number, p90: number): Eta {
  const p50Ms = Math.max(0, Math.round(p50));
  return { p50_ms: p50Ms, p90_ms: Math.max(p50Ms, Math.round(p90)) };
}
