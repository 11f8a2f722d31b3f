/** A request that finds no room to wait (P14). */
import { StreamerError } from "../errors.ts";
import type { QueueLimits } from "../ports/requests.ts";

const QUEUES: Readonly<Record<keyof QueueLimits, string>> = {
  queued: "The queue",
  queuedPerTenant: "Your tenant's queue",
  queuedPerUser: "Your own part of the queue",
};
/** About the time in which a full queue moves. */
const AFTER_MS = 1_000;

export function queueFull(requestId: string, whose: keyof QueueLimits, limit: number): StreamerError {
  return new StreamerError("RATE_LIMITED", `${QUEUES[whose]} holds ${limit} requests, the limit; "${requestId}" was not accepted.`, {
    requestId,
    afterMs: AFTER_MS,
  });
}
