import type { ClientClock } from "../src/index.ts";

/** Time that moves when the test says so. */
export interface ManualClock extends ClientClock {
  advance(ms: number): void;
  /** Waits of timers that are set, shortest first. */
  readonly pending: readonly number[];
}

export function createManualClock(): ManualClock {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly call: () => void }>();
  return {
    monotonic: () => now,
    get pending() {
      return Array.from(timers, ({ at }) => at - now).sort((a, b) => a - b);
    },
    after(ms, call) {
      const timer = { at: now + ms, call };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = Array.from(timers)
          .filter(({ at }) => at <= end)
          .sort((a, b) => a.at - b.at);
        if (!next) break;
        timers.delete(next);
        now = Math.max(now, next.at);
        next.call();
      }
      now = end;
    },
  };
}
