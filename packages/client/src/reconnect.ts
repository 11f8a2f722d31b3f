/**
 * When to dial again. Full jitter: after a server restart a thousand clients spread over the whole wait instead of
 * coming back in step. Pure, so that the policy can be read and tested without a socket.
 */
import { StreamerError } from "./errors.ts";
import type { ResolvedOptions } from "./options.ts";

/** Not a matter of time, but of who asks. */
const isFinal = ({ code }: StreamerError): boolean => code === "UNAUTHORIZED" || code === "FORBIDDEN";

/**
 * The wait in ms, or why there is none. `failures`: ends in a row without a welcome between them, this one included;
 * 0 when this one had been welcomed.
 */
export function afterEnd(
  error: StreamerError,
  failures: number,
  { reconnect, token, random, presence }: Pick<ResolvedOptions, "reconnect" | "token" | "random" | "presence">,
): number | StreamerError {
  // A token that does not change will be refused again; a function may have a better one next time.
  if (isFinal(error) && typeof token === "string") return error;
  if (failures >= reconnect.maxAttempts) {
    const message = `No connection after ${failures} attempts: ${error.message}`;
    return new StreamerError("CANNOT_CONNECT", message, { cause: error });
  }
  // Being online again ends the wait. Not waiting for that alone: a server on this machine needs no network.
  if (presence.isOffline) return reconnect.capMs;
  // Doubling stops at 2^30, long past any cap, before it can overflow.
  const jitterMs = random() * Math.min(reconnect.capMs, reconnect.baseMs * 2 ** Math.min(failures, 30));
  // A server that is starting or full says when to come back; all whom it told so would come at once.
  return (error.retry?.after_ms ?? 0) + jitterMs;
}
