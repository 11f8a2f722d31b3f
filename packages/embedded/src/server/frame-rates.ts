/**
 * How many frames a second may come in that are no messages: pings, pongs, pieces of messages. They cost no message's rate
 * (core's), so they have one of their own: of a connection, and of its user, whose connections share one.
 */
import type { Duplex } from "node:stream";
import { delayUntil, type Bucket, type Clock, type Rate } from "@streamer/core";

export interface FrameRates {
  /** What counts the frames of a socket until it closes: returns 0, or the ms until so many would have passed. */
  of(user: string, raw: Duplex): (frames: number) => number;
}

interface OfUser {
  readonly bucket: Bucket;
  sockets: number;
}

const rateOf = (perSecond: number): Rate => ({ perSecond, burst: 2 * perSecond });

export function createFrameRates({
  clock,
  perSecond,
}: {
  readonly clock: Pick<Clock, "monotonic">;
  readonly perSecond: number;
}): FrameRates {
  const own = rateOf(perSecond);
  const shared = rateOf(2 * perSecond);
  const users = new Map<string, OfUser>();
  const full = ({ burst }: Rate): Bucket => ({ tokens: burst, at: clock.monotonic() });

  function enter(user: string, raw: Duplex): OfUser {
    const entry = users.get(user) ?? { bucket: full(shared), sockets: 0 };
    users.set(user, entry);
    entry.sockets += 1;
    raw.once("close", () => {
      entry.sockets -= 1;
      if (entry.sockets === 0) users.delete(user);
    });
    return entry;
  }

  return {
    of(user, raw) {
      const ofUser = enter(user, raw).bucket;
      const ofSocket = full(own);
      return (frames) => {
        const now = clock.monotonic();
        const afterMs = Math.max(delayUntil(ofSocket, own, frames, now), delayUntil(ofUser, shared, frames, now));
        ofSocket.tokens -= frames;
        ofUser.tokens -= frames;
        return afterMs;
      };
    },
  };
}
