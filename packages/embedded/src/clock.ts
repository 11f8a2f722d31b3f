import type { Clock } from "@streamer/core";

/** The machine's own time. Timers are unref'd: a wait alone must not keep a stopped server's process alive (P13). */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, callback) => {
    // A longer delay would overflow setTimeout and fire at once; an early call is harmless to every caller.
    const timer = setTimeout(callback, Math.min(Math.max(ms, 0), 2_147_483_647));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
