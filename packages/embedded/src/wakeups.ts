/**
 * One timer for the earliest of all wakeups: each that is later is found when the earlier one's work asks the store for
 * the next. It is asked once a minute anyway: a wall clock that is set makes what is due later, or sooner, and nobody says
 * so. A wakeup that comes early harms nobody.
 */
import { createLoop, type Clock, type Log, type Loop, type RequestKey, type Wakeups } from "@streamer/core";

export interface ArmedWakeups extends Wakeups {
  readonly loop: Loop;
  at(timeMs: number, key?: RequestKey): Promise<void>;
  close(): void;
}

export interface WakeupsParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly nextRunAt: () => Promise<number | undefined>;
  readonly onWake: (key?: RequestKey) => void;
}

const EVERY_MS = 60_000;
/** The store is asked for one number. */
const BOUND_MS = 30_000;

export function createWakeups({ clock, log, nextRunAt, onWake }: WakeupsParts): ArmedWakeups {
  let earliest = Infinity;
  let callOff: (() => void) | undefined;
  let closed = false;

  const ring = async (): Promise<void> => {
    // By the wall clock of now; what is asked for while the store is read counts as well.
    earliest = Infinity;
    callOff?.();
    onWake();
    const next = await nextRunAt();
    if (next !== undefined) arm(next);
  };
  // A store that cannot say what comes next is asked again: nobody else would.
  const loop = createLoop({ clock, log, name: "wakeups", boundMs: BOUND_MS, everyMs: EVERY_MS, round: ring });

  const arm = (timeMs: number): void => {
    if (closed || timeMs >= earliest) return;
    earliest = timeMs;
    callOff?.();
    callOff = clock.after(Math.max(timeMs - clock.now(), 0), () => loop.nudge());
  };

  return {
    loop,
    at: async (timeMs) => arm(timeMs),
    close: () => {
      closed = true;
      callOff?.();
      loop.stop();
    },
  };
}
