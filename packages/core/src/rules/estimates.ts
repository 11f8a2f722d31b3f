/** When a run will be done, from runs that were recorded. Pure. */
import { MAX_DELAY_MS, type Eta } from "@streamer/protocol";
import { asError } from "../errors.ts";
import type { AnyHandler } from "../handler.ts";
import type { Quantiles } from "./durations.ts";

/** No estimate is longer: what authors compute and positions multiply must stay a number that travels. */
const MAX_MS = MAX_DELAY_MS;

/** How far an attempt is. */
export interface Pace {
  /** Since the attempt began. */
  readonly elapsedMs: number;
  /** 0–100, of the whole run. */
  readonly percentage: number;
  /**
   * Where an attempt that goes on from a checkpoint took it up: the first percentage it reported, and when. What came
   * before was made by other attempts, in a time that nobody knows. Absent: from nothing, at its beginning.
   */
  readonly from?: { readonly percentage: number; readonly elapsedMs: number };
  /** How many times longer than their pace said nine in ten recorded runs took for what was left. Absent: too few are recorded. */
  readonly lateBy?: number | undefined;
}

/** Of a run's own pace, when no run has shown how far it can be trusted: nine in ten are taken to end within so many times what it says. */
const UNKNOWN_LATENESS = 2;

/**
 * What is left of a run. Early on the recorded runs speak, later its own pace does: the weight of the pace is the part
 * of its work that this attempt has made. Without recorded runs only the pace is known. How far a pace can be trusted is
 * learned too: its upper bound is wider by as much as recorded runs were late. `recorded` is of whole runs that took longer than this one has: those it may still be like.
 */
export function remaining(
  { elapsedMs, percentage, from, lateBy = UNKNOWN_LATENESS }: Pace,
  recorded: Quantiles | undefined,
): Eta | undefined {
  const first = from?.percentage ?? 0;
  /** This attempt's part of a whole run, and how much of it is made in how long. */
  const share = 1 - first / 100;
  const made = share <= 0 ? 1 : Math.min(1, Math.max(0, (percentage - first) / 100 / share));
  const spanMs = Math.max(0, elapsedMs - (from?.elapsedMs ?? 0));
  if (made === 0) return recorded && eta(recorded.p50Ms * share - spanMs, recorded.p90Ms * share - spanMs);
  const byPace = (spanMs * (1 - made)) / made;
  if (!recorded) return eta(byPace, byPace * lateBy);
  // made · byPace · times + (1 − made) · max(0, quantile − span), written so that no first, tiny percentage can make it infinite.
  const blend = (quantileMs: number, times: number): number => (1 - made) * (spanMs * (times - 1) + Math.max(spanMs, quantileMs * share));
  return eta(blend(recorded.p50Ms, 1), blend(recorded.p90Ms, lateBy));
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
  ms === undefined || (aboveMs > 0 && ms <= aboveMs) ? undefined : { p50Ms: ms, p90Ms: ms };

/** What a handler says a run on this input should take; `onProblem` is told why an estimate could not be used. */
export function declaredMs(
  { action, estimate }: Pick<AnyHandler, "action" | "estimate">,
  input: unknown,
  onProblem: (problem: Error) => void = () => {},
): number | undefined {
  if (typeof estimate !== "function") return estimate;
  try {
    const ms: unknown = estimate(input);
    if (typeof ms === "number" && ms >= 0 && ms < Infinity) return Math.min(ms, MAX_MS);
    // An async function: its failure would end the process as a stray rejection.
    if (ms instanceof Promise) ms.catch(() => {});
    const said = typeof ms === "number" ? ms : ms instanceof Promise ? "a promise" : typeof ms;
    onProblem(new TypeError(`The estimate of "${action}" must be a number of ms from 0 up; it gave ${said}.`));
  } catch (error) {
    onProblem(asError(error));
  }
  return undefined;
}

function eta(p50: number, p90: number): Eta {
  const p50Ms = whole(p50);
  return { p50_ms: p50Ms, p90_ms: Math.max(p50Ms, whole(p90)) };
}

const whole = (ms: number): number => Math.min(MAX_MS, Math.max(0, Math.round(ms)));
