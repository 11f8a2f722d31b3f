/**
 * When to dial again. Full jitter: after a server restart a thousand clients spread over the whole wait instead of
 * coming back in step. Pure, so that the policy can be read and tested without a socket.
 */
import type { ConnectionEnd } from "./connection.ts";
import { StreamerError } from "./errors.ts";
import type { ResolvedOptions } from "./options.ts";

export type Verdict = { readonly retryInMs: number } | { readonly giveUp: StreamerError };

/** `failures`: ends in a row without a welcome between them, this one included; 0 when this one had been welcomed. */
export function afterEnd(
  end: ConnectionEnd,
  failures: number,
  { reconnect, token, random, presence }: Pick<ResolvedOptions, "reconnect" | "token" | "random" | "presence">,
): Verdict {
  // A token that does not change will be refused again; a function may have a better one next time.
  if (end.unauthorized && typeof token === "string") return { giveUp: end.error };
  if (failures >= reconnect.maxAttempts) {
    const message = `No connection after ${failures} attempts, the limit: ${end.error.message}`;
    return { giveUp: new StreamerError("CANNOT_CONNECT", message, { cause: end.error }) };
  }
  // Being online again ends the wait. Not waiting for that alone: a server on this machine needs no network.
  if (presence.isOffline) return { retryInMs: reconnect.capMs };
  // Doubling stops at 2^30, long past any cap, before it can overflow.
  return { retryInMs: random() * Math.min(reconnect.capMs, reconnect.baseMs * 2 ** Math.min(failures, 30)) };
}
