/**
 * The keys of an identity provider, fetched at the start and again until they are there: what is wrong with them is known
 * before the first client comes, an outage ends without one, and a server that can let nobody in says so.
 */
import type { Guard } from "@streamer/auth";
import { createLoop, type Clock, type Log, type Loop } from "@streamer/core";

const LOOK_EVERY_MS = 5_000;
/** A fetch takes 5 s at most. */
const LOOK_BOUND_MS = 15_000;

export interface KeyWatchParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly auth: Pick<Guard, "keys" | "renewKeys">;
}

export function watchKeys({ clock, log, auth }: KeyWatchParts): Loop {
  // An outage is logged by the key set, and told by `keys`: it is no failure of this loop.
  const round = async (): Promise<void> => {
    if (auth.keys() !== "ready") await auth.renewKeys();
  };
  const loop = createLoop({ clock, log, name: "keys", round, everyMs: LOOK_EVERY_MS, boundMs: LOOK_BOUND_MS });
  loop.nudge();
  return loop;
}
