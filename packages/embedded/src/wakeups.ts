/**
 * One timer for the earliest of all wakeups: each that is later is found when the earlier one's work asks the store for
 * the next. Long waits are cut into pieces, so that a wall clock set forward is noticed within a minute.
 */
import type { Clock, RequestKey, Wakeups } from "@streamer/core";

export interface ArmedWakeups extends Wakeups {
  at(timeMs: number, key?: RequestKey): Promise<void>;
  close(): void;
}

const LONGEST_WAIT_MS = 60_000;

export function createWakeups(
  clock: Clock,
  nextRunAt: () => Promise<number | undefined>,
  onWake: (key?: RequestKey) => void,
): ArmedWakeups {
  let earliest = Infinity;
  let cancel: (() => void) | undefined;
  let closed = false;

  const arm = (timeMs: number): void => {
    if (closed || timeMs >= earliest) return;
    earliest = timeMs;
    cancel?.();
    cancel = clock.after(Math.min(Math.max(timeMs - clock.now(), 0), LONGEST_WAIT_MS), () => void ring());
  };

  const ring = async (): Promise<void> => {
    const isDue = earliest <= clock.now();
    const planned = earliest;
    earliest = Infinity;
    if (!isDue) return arm(planned);
    onWake();
    const next = await nextRunAt();
    if (next !== undefined) arm(next);
  };

  return {
    at: async (timeMs) => arm(timeMs),
    close: () => {
      closed = true;
      cancel?.();
    },
  };
}
