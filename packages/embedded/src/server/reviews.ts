/**
 * Open connections whose token would not be accepted any more, because its key is gone from the key set or it was revoked:
 * each is told why and closed, within a minute.
 */
import type { Credential, Guard } from "@streamer/auth";
import { createLoop, type Clock, type Log, type Loop } from "@streamer/core";
import type { WireError } from "@streamer/protocol";

interface Reviewed {
  readonly connectionId: string;
  readonly credential: Credential;
}

export interface ReviewParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Connections that are open now. */
  readonly open: () => Iterable<Reviewed>;
  readonly review: Guard["review"];
  readonly end: (connectionId: string, error: WireError) => Promise<void>;
}

const REVIEW_EVERY_MS = 20_000;
/** A key set may take 5 s to be fetched, and a hook its time for thousands of connections. */
const REVIEW_BOUND_MS = 60_000;
/** Asked for at the same time. */
const AT_ONCE = 64;

export function createReviews({ clock, log, open, review, end }: ReviewParts): Loop {
  const round = async (): Promise<void> => {
    const all = Array.from(open());
    if (all.length === 0) return;
    const judge = await review();
    for (let at = 0; at < all.length; at += AT_ONCE)
      await Promise.all(
        all.slice(at, at + AT_ONCE).map(async ({ connectionId, credential }) => {
          const error = await judge(credential);
          if (error) await end(connectionId, error);
        }),
      );
  };

  return createLoop({ clock, log, name: "token reviews", round, everyMs: REVIEW_EVERY_MS, boundMs: REVIEW_BOUND_MS });
}
