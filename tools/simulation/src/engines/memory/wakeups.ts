/** Calls at the time of the earliest wakeup, then asks the store for the next; at least once a minute: a wall clock may be set. */
import type { Clock, Wakeups } from "@streamer/core";

const EVERY_MS = 60_000;

export function createWakeups(clock: Clock, nextRunAt: () => number | undefined, onWake: () => void): Wakeups & { close(): void } {
  let earliest = Infinity;
  let callOff: (() => void) | undefined;
  let isClosed = false;

  const ring = (): void => {
    if (isClosed) return;
    earliest = Infinity;
    callOff?.();
    onWake();
    const next = nextRunAt();
    if (next !== undefined) arm(next);
  };
  const ringRegularly = (): void => {
    if (isClosed) return;
    clock.after(EVERY_MS, ringRegularly);
    ring();
  };
  clock.after(EVERY_MS, ringRegularly);

  const arm = (timeMs: number): void => {
    if (isClosed || timeMs >= earliest) return;
    earliest = timeMs;
    callOff?.();
    callOff = clock.after(Math.max(timeMs - clock.now(), 0), ring);
  };

  return {
    at: async (timeMs) => arm(timeMs),
    close: () => {
      isClosed = true;
      callOff?.();
    },
  };
}
