/** What a request waits for, and when that is worth telling (docs/protocol.md §5.5). Pure. */
import type { WaitingReason } from "@streamer/protocol";

/** Runs at once: of an action, and of it for one tenant. Absent is unlimited. */
export interface Concurrency {
  readonly total?: number;
  readonly perTenant?: number;
}

export interface Place {
  readonly reason: WaitingReason;
  /** Runnable requests that wait for the same and go first; absent when nobody has counted. */
  readonly position?: number;
}

/** The place that a client knows of, since `at`, epoch ms. */
export interface Told extends Place {
  readonly at: number;
}

/** Each message is a durable event: whoever waits for an hour hears of every halving, and not of every step. */
const MOVED_AFTER_MS = 10_000;

/** The limit that keeps a request from running, if one does. */
export function heldBy(
  running: { readonly total: number; readonly perTenant: number },
  caps: Concurrency | undefined,
): "action_concurrency" | "tenant_concurrency" | undefined {
  if (running.total >= (caps?.total ?? Infinity)) return "action_concurrency";
  return running.perTenant >= (caps?.perTenant ?? Infinity) ? "tenant_concurrency" : undefined;
}

/** Whether there may be news at all, before the position is counted. */
export const mayBeNews = (told: Told | undefined, reason: WaitingReason, now: number): boolean =>
  reason !== told?.reason || now - told.at >= MOVED_AFTER_MS;

/** The reason is another, or the place in line is half of what was told, or twice. */
export function isNews(told: Told | undefined, { reason, position }: Place, now: number): boolean {
  if (reason !== told?.reason) return true;
  if (now - told.at < MOVED_AFTER_MS || position === undefined || position === told.position) return false;
  return told.position === undefined || position <= told.position / 2 || position >= 2 * Math.max(1, told.position);
}
