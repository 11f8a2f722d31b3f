/**
 * A clock that tests move. Wall-clock and monotonic time are two numbers, as in life: `advance` moves both, `jump` only
 * the first, and `restart` is what a new process finds: no timers, and a monotonic time that means nothing to the old one.
 */
import type { Clock } from "@streamer/core";

export interface ManualClock extends Clock {
  /** Lets `ms` pass, calling what falls due in order; what one call sets off may run before the next. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock alone, forward or back. */
  jump(ms: number): void;
  /** The process died: its timers are gone, and monotonic time starts anew. */
  restart(): void;
  /** How many timers are set. */
  readonly timers: number;
}

const START_MS = Date.UTC(2026, 0, 1);
/** Enough turns of the event loop for a group commit and the promises behind it. */
const TURNS = 8;

/** Lets everything that waits for no timer run. */
export async function turnsOfTheLoop(count: number = TURNS): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** `settle` lets everything that waits for no timer happen: an engine behind a network needs longer than the default. */
export function createManualClock(startMs: number = START_MS, settle: () => Promise<void> = () => turnsOfTheLoop()): ManualClock {
  let wall = startMs;
  let steady = 1_000;
  let timers: { readonly due: number; readonly callback: () => void }[] = [];

  const moveTo = (target: number): void => {
    wall += target - steady;
    steady = target;
  };

  return {
    now: () => wall,
    monotonic: () => steady,
    after(ms, callback) {
      const timer = { due: steady + Math.max(0, ms), callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    async advance(ms) {
      const target = steady + ms;
      await settle();
      for (;;) {
        const next = timers.toSorted((a, b) => a.due - b.due)[0];
        if (!next || next.due > target) break;
        timers = timers.filter((other) => other !== next);
        moveTo(Math.max(steady, next.due));
        next.callback();
        await settle();
      }
      moveTo(Math.max(steady, target));
      await settle();
    },
    jump(ms) {
      wall += ms;
    },
    restart() {
      timers = [];
      steady = 1_000;
    },
    get timers() {
      return timers.length;
    },
  };
}
