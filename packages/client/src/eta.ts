/**
 * What is left of a request, now. What was told counts down from the moment it was told; but while the request has not
 * begun, the run itself is still to come, however long the wait was: then there is never less left than it takes. Pure.
 */
import type { Eta, RunState } from "./run-state.ts";

type Told = Pick<RunState, "status" | "eta" | "toldAt" | "estimatedMs">;

/** `now`: epoch ms, by the server's clock. */
export function remaining({ status, eta, toldAt, estimatedMs = 0 }: Told, now: number): Eta | undefined {
  if (!eta) return undefined;
  const gone = Math.max(0, now - toldAt!);
  const least = status === "PROCESSING" ? 0 : estimatedMs;
  const p50Ms = Math.max(eta.p50Ms - gone, least);
  // The run spreads as all of it does: nobody was told more.
  const spread = eta.p50Ms > 0 ? eta.p90Ms / eta.p50Ms : 1;
  return { p50Ms, p90Ms: Math.max(eta.p90Ms - gone, least * spread, p50Ms) };
}

/** What is left when it begins without saying how long it will take. */
export function begun(told: Told, now: number): Pick<RunState, "eta" | "toldAt"> {
  const eta = remaining(told, now);
  return eta ? { eta, toldAt: now } : {};
}
