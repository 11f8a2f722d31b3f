/** Calls at the time of the earliest wakeup, then asks the store for the next. A wall clock set forward is seen in a minute. */
import type { Clock, Wakeups } from "@streamer/core";

const LONGEST_WAIT_MS = 60_000;

export function createWakeups(clock: Clock, nextRunAt: () => number | undefined, onWake: () => void): Wakeups & { close(): void } {
  let earliest = Infinity;
  let callOff: (() => void) | undefined;
  let isClosed = false;

  const ring = (): void => {
    earliest = Infinity;
    onWake();
    const next = nextRunAt();
    if (next !== undefined) arm(next);
  };

  const arm = (timeMs: number): void => {
    if (isClosed || timeMs >= earliest) return;
    earliest = timeMs;
    callOff?.();
    callOff = clock.after(Math.min(Math.max(timeMs - clock.now(), 0), LONGEST_WAIT_MS), ring);
  };

  return {
    at: async (timeMs) => arm(timeMs),
    close: () => {
      isClosed = true;
      callOff?.();
    },
  };
}
