/** Time of this machine. Timers do not hold a function's answer back; frozen, they wait. */
import type { Clock } from "@streamer/core";

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
