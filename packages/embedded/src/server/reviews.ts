/**
 * Open connections whose token would not be accepted any more, because its key is gone from the key set or it was revoked:
 * each is told why and closed, within a minute.
 */
import type { Credential, Guard } from "@streamer/auth";
import { createLoop, type Clock, type Log, type Loop } from "@streamer/core";
import type { WireError } from "@streamer/protocol";

export interface Reviews {
  readonly loop: Loop;
  /** Returns what ends the watching. */
  watch(connectionId: string, credential: Credential): () => void;
}

export interface ReviewParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly review: Guard["review"];
  readonly end: (connectionId: string, error: WireError) => Promise<void>;
}

const REVIEW_EVERY_MS = 20_000;
/** A key set may take 5 s to be fetched, and a hook its time for thousands of connections. */
const REVIEW_BOUND_MS = 60_000;
/** Asked for at the same time. */
const AT_ONCE = 64;

export function createReviews({ clock, log, review, end }: ReviewParts): Reviews {
  const open = new Map<string, Credential>();

  const round = async (): Promise<void> => {
    if (open.size === 0) return;
    const judge = await review();
    const all = Array.from(open);
    for (let at = 0; at < all.length; at += AT_ONCE)
      await Promise.all(
        all.slice(at, at + AT_ONCE).map(async ([connectionId, credential]) => {
          const error = await judge(credential);
          if (error) await end(connectionId, error);
        }),
      );
  };

  return {
    loop: createLoop({ clock, log, name: "token reviews", round, everyMs: REVIEW_EVERY_MS, boundMs: REVIEW_BOUND_MS }),
    watch: (connectionId, credential) => {
      open.set(connectionId, credential);
      return () => void open.delete(connectionId);
    },
  };
}
