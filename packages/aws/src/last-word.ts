/**
 * An end and its followers: they are let go when they were told, and not before. Whoever ended a request here and could not
 * even ask who follows it leaves them as they are, and the end as untold (requests/untold-ends.ts): the sweep tells it.
 */
import { asError, type Log, type RequestKey, type Requests } from "@streamer/core";
import type { UntoldEnds } from "./requests/untold-ends.ts";
import type { StoredSubscriptions } from "./subscriptions.ts";

interface Parts<R> {
  readonly requests: R;
  readonly subscriptions: StoredSubscriptions;
  readonly log: Log;
}

export function withLastWord<R extends Requests & UntoldEnds>({ requests, subscriptions, log }: Parts<R>): Omit<Parts<R>, "log"> {
  /** Ended by this process, and its followers were not asked for since. */
  const unasked = new Set<RequestKey>();

  return {
    requests: {
      ...requests,
      settle: async (lease, settlement) => {
        const written = await requests.settle(lease, settlement);
        if (written.outcome === "written") unasked.add(lease.key);
        return written;
      },
      requestCancel: async (key, events) => {
        const outcome = await requests.requestCancel(key, events);
        if (outcome.outcome === "cancelled") unasked.add(key);
        return outcome;
      },
      recover: async (terms) => {
        const recoveries = await requests.recover(terms);
        for (const { key, outcome } of recoveries) if (outcome !== "returned") unasked.add(key);
        return recoveries;
      },
    },
    subscriptions: {
      ...subscriptions,
      of: async (key) => {
        // One that was asked before the end was written does not know of it.
        const hadEnded = unasked.has(key);
        const followers = await subscriptions.of(key);
        if (hadEnded) unasked.delete(key);
        return followers;
      },
      dropRequest: async (key) => {
        if (unasked.delete(key)) {
          log.warn({ key }, "the followers of an ended request could not be asked for; the sweep tells them");
          return [];
        }
        const { dropped, left } = await subscriptions.endFollowing(key);
        if (left === 0) {
          await requests.markTold(key).catch((error: unknown) => {
            log.warn({ key, err: asError(error) }, "an end that was told could not be marked so; the sweep looks at it again");
          });
        }
        return dropped;
      },
    },
  };
}
