/** When to say what could not be said at once. What was planned on one connection is not done on the next. */
import type { StreamerError } from "./errors.ts";
import type { ClientClock } from "./options.ts";

export interface Pace {
  /** Another connection, or none: all plans are off. */
  reset(): void;
  /** Says it again when a passing refusal allows, in its own time or in a second. */
  later(refusal: StreamerError, again: () => void): void;
  /** Says again what may have been lost: after a random time that doubles with each call until `calm`. One plan at a time. */
  stumble(again: () => void): void;
  calm(): void;
  /** A client with thousands of requests comes back at the pace the server allows, or it would be refused for it. */
  spread(says: readonly (() => void)[], perSecond: number): void;
}

/** A refusal that speaks of the moment and not of what was asked. */
export const isPassing = ({ code }: StreamerError): boolean =>
  code === "SERVICE_UNAVAILABLE" || code === "RATE_LIMITED" || code === "STORAGE_ERROR";

const DEFAULT_WAIT_MS = 1_000;

/** The first wait after a stumble is up to this, and no later one is longer than the cap. */
const STUMBLE_BASE_MS = 500;
const STUMBLE_CAP_MS = 15_000;

export function createPace(clock: ClientClock, random: () => number): Pace {
  let stumbles = 0;
  let isStumbling = false;
  let plans = new Set<() => void>();

  function plan(ms: number, call: () => void): void {
    const callOff = clock.after(ms, () => {
      plans.delete(callOff);
      call();
    });
    plans.add(callOff);
  }

  function spread(says: readonly (() => void)[], perSecond: number): void {
    for (const say of says.slice(0, perSecond)) say();
    if (says.length > perSecond) plan(1_000, () => spread(says.slice(perSecond), perSecond));
  }

  return {
    spread,
    stumble(again) {
      if (isStumbling) return;
      isStumbling = true;
      plan(random() * Math.min(STUMBLE_CAP_MS, STUMBLE_BASE_MS * 2 ** stumbles), () => {
        isStumbling = false;
        again();
      });
      stumbles += 1;
    },
    calm() {
      stumbles = 0;
    },
    reset() {
      isStumbling = false;
      stumbles = 0;
      for (const callOff of plans) callOff();
      plans = new Set();
    },
    later: ({ retry }, again) => plan(retry?.after_ms ?? DEFAULT_WAIT_MS, again),
  };
}
