/**
 * What makes the flow claim work: something became runnable, a slot is free, a wakeup rang. However many of these come
 * in one turn of the event loop, there is one call, and never two at a time.
 */
import { createLoop, type Clock, type Log, type Loop, type Streamer } from "@streamer/core";

export interface Pump {
  readonly loop: Loop;
  nudge(): void;
  stop(): void;
}

/** A claim is one commit: it takes so long only where the store no longer answers. */
const BOUND_MS = 30_000;

export function createPump({ clock, log, work }: { readonly clock: Clock; readonly log: Log; readonly work: Streamer["work"] }): Pump {
  // What it claims runs on by itself; the slots it frees call back.
  const loop = createLoop({ clock, log, name: "claim", boundMs: BOUND_MS, round: () => work() });
  let isNudged = false;
  return {
    loop,
    nudge: () => {
      if (isNudged) return;
      isNudged = true;
      process.nextTick(() => {
        isNudged = false;
        loop.nudge();
      });
    },
    stop: loop.stop,
  };
}
