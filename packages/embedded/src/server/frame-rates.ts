/**
 * How many frames a second may come in that are no messages: pings, pongs, pieces of messages. They cost no message's rate
 * (core's), so they have one of their own: of a connection, and of its user, whose connections share one.
 */
import { delayUntil, type Bucket, type Clock, type Rate } from "@streamer/core";

export interface FrameRates {
  /** What counts the frames of a socket, one of this user's, until it leaves. */
  enter(user: string): FrameCount;
}

export interface FrameCount {
  /** Counts frames: returns 0, or the ms until so many would have passed. */
  take(frames: number): number;
  leave(): void;
}

/** Most send nothing of the kind: buckets are full until something is taken from them, and made then. */
interface Spent {
  bucket: Bucket | undefined;
}

interface OfUser extends Spent {
  readonly user: string;
  sockets: number;
}

interface FrameRateParts {
  readonly clock: Pick<Clock, "monotonic">;
  readonly perSecond: number;
}

const rateOf = (perSecond: number): Rate => ({ perSecond, burst: 2 * perSecond });

export function createFrameRates({ clock, perSecond }: FrameRateParts): FrameRates {
  const own = rateOf(perSecond);
  const shared = rateOf(2 * perSecond);
  const users = new Map<string, OfUser>();

  function spend(spent: Spent, rate: Rate, frames: number): number {
    const now = clock.monotonic();
    const bucket = (spent.bucket ??= { tokens: rate.burst, at: now });
    const afterMs = delayUntil(bucket, rate, frames, now);
    bucket.tokens -= frames;
    return afterMs;
  }

  class OfSocket implements FrameCount {
    bucket: Bucket | undefined;
    readonly #user: OfUser;

    constructor(user: OfUser) {
      this.#user = user;
    }

    take(frames: number): number {
      return Math.max(spend(this, own, frames), spend(this.#user, shared, frames));
    }

    leave(): void {
      this.#user.sockets -= 1;
      if (this.#user.sockets === 0) users.delete(this.#user.user);
    }
  }

  return {
    enter(user) {
      const ofUser = users.get(user) ?? { user, sockets: 0, bucket: undefined };
      users.set(user, ofUser);
      ofUser.sockets += 1;
      return new OfSocket(ofUser);
    },
  };
}
