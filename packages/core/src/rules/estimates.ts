/** When a run will be done, from runs that were recorded. Pure. */
import type { Eta } from "@streamer/protocol";
import type { Quantiles } from "./durations.ts";

/**
 * What is left of a run. Early on the recorded runs speak, later its own pace does: the weight of the pace is the
 * progress made. Without recorded runs only the pace is known, and its upper bound is widened by what is still undone.
 * `recorded` is of runs that took longer than this one has: those it may still be like.
 */
export function remaining(elapsedMs: number, percentage: number, recorded: Quantiles | undefined): Eta | undefined {
  const done = percentage / 100;
  if (done <= 0) return recorded && eta(recorded.p50Ms - elapsedMs, recorded.p90Ms - elapsedMs);
  const byPace = (elapsedMs * (1 - done)) / done;
  if (!recorded) return eta(byPace, byPace * (2 - done));
  const blend = (quantileMs: number): number => done * byPace + (1 - done) * Math.max(0, quantileMs - elapsedMs);
  return eta(blend(recorded.p50Ms), blend(recorded.p90Ms));
}

/** Queue wait plus run: `position` requests ahead, `slots` at a time, none before `delayMs` is over. */
export function wholeRun(
  expected: Quantiles,
  { position, slots, delayMs = 0 }: { position: number; slots: number; delayMs?: number },
): Eta {
  const rounds = 1 + Math.floor(position / Math.max(1, slots));
  return eta(delayMs + expected.p50Ms * rounds, delayMs + expected.p90Ms * rounds);
}

/** What is declared is all that is known: a range without width, for runs that have not outlived it. */
export const asDeclared = (ms: number | undefined, aboveMs = 0): Quantiles | undefined =>
  ms === undefined || ms <= aboveMs ? undefined : { p50Ms: ms, p90Ms: ms };

function eta(p50: number, p90: number): Eta {
  const p50Ms = Math.max(0, Math.round(p50));
  return { p50_ms: p50Ms, p90_ms: Math.max(p50Ms, Math.round(p90)) };
}
