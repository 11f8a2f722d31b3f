/** A request that finds no room to wait (P14). */
import { StreamerError } from "../errors.ts";

/** About the time in which a full queue moves. */
const AFTER_MS = 1_000;

export function queueFull(requestId: string, whose: "queued" | "queuedPerTenant", limit: number): StreamerError {
  const queue = whose === "queued" ? "The queue" : "Your tenant's queue";
  return new StreamerError("RATE_LIMITED", `${queue} holds ${limit} requests, the limit; "${requestId}" was not accepted.`, {
    requestId,
    afterMs: AFTER_MS,
  });
}
