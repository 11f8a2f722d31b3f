/**
 * How many requests one connection may follow (P14), asked wherever it is to follow one more. Those that are under way are
 * counted with those that stand: however many frames come at once, none slips through while the store is asked.
 */
import { StreamerError } from "../../errors.ts";
import type { RequestKey } from "../../ports/requests.ts";
import type { Subscriptions } from "../../ports/subscriptions.ts";
import { requestIdOf } from "../../rules/identity.ts";

export interface Following {
  /** Rejects with RATE_LIMITED when there is no room; what it follows already takes none. Returns what says that the subscription stands, or came to nothing. */
  enter(connectionId: string, key: RequestKey): Promise<() => void>;
}

/** What a client is told to wait: a request that ends is followed no more. */
const AFTER_MS = 1_000;

export function createFollowing(subscriptions: Pick<Subscriptions, "countOf" | "has">, limit: number): Following {
  /** By connection. */
  const underWay = new Map<string, number>();

  function leave(connectionId: string): void {
    const left = underWay.get(connectionId)! - 1;
    if (left > 0) underWay.set(connectionId, left);
    else underWay.delete(connectionId);
  }

  return {
    async enter(connectionId, key) {
      const before = underWay.get(connectionId) ?? 0;
      underWay.set(connectionId, before + 1);
      try {
        if ((await subscriptions.countOf(connectionId)) + before < limit) return () => leave(connectionId);
        // Also where the process that was to store it died behind its subscription: then nothing else would end that.
        if (await subscriptions.has(connectionId, key)) return () => leave(connectionId);
        const requestId = requestIdOf(key);
        throw new StreamerError(
          "RATE_LIMITED",
          `This connection follows ${limit} requests, the limit; unsubscribe from some, or ask with "subscribe": false. "${requestId}" was not accepted.`,
          { requestId, afterMs: AFTER_MS },
        );
      } catch (error) {
        leave(connectionId);
        throw error;
      }
    },
  };
}
