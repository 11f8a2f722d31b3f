/** What the plan does to calls of the store, and when: slow and full for a while, refused or deadly now and then. */
import { someMs, type Chance } from "./chance.ts";
import type { Plan } from "./plan.ts";
import { NO_FATE, type Fate } from "./process.ts";
import type { Schedule } from "./schedule.ts";

export interface Faults {
  fateOf(verb: string): Fate;
  slowDown(ms: number): void;
  fillUp(ms: number): void;
  /** No fault any more. */
  heal(): void;
  readonly isHealed: boolean;
}

export interface FaultParts {
  readonly plan: Plan;
  readonly schedule: Schedule;
  readonly chance: (name: string) => Chance;
  readonly tell: (who: string, what: string) => void;
}

const IS_READ = /^(requests\.(get|has|list|nextRunAt|waits)|events\.|runTimes\.of|blobs\.(open|sign))/;

export function createFaults({ plan, schedule, chance, tell }: FaultParts): Faults {
  const [latency, refusals, deaths] = [chance("latency"), chance("refusals"), chance("deaths in calls")];
  const reads = chance("reads");
  const { features } = plan;
  const setup = chance("faults");
  const usualMs = setup.oneOf([0, 0, 1, 5]);
  const slowMs = someMs(setup, 50, 4_000);
  const refusalRate = setup.oneOf([0.01, 0.05, 0.2]);
  const deathRate = setup.oneOf([0.002, 0.01]);
  let slowUntil = 0;
  let fullUntil = 0;
  let isHealed = false;

  const waitMs = (): number => {
    const mostMs = schedule.now < slowUntil ? slowMs : usualMs;
    return mostMs === 0 || latency.happens(0.4) ? 0 : latency() * mostMs;
  };

  return {
    fateOf(verb) {
      // Where one process has all connections, they are in its memory: its client's frames are dealt with in their order.
      if (isHealed || verb === "connections.get") return NO_FATE;
      // When a backoff is over is worked out before it is stored: a clock set in between would move it.
      const isMoment = verb === "requests.reschedule" && features.has("wall-jumps");
      const beforeMs = isMoment ? 0 : waitMs();
      const afterMs = features.has("slow-reads") && IS_READ.test(verb) && reads.happens(0.5) ? someMs(reads, 1, 500) : waitMs();
      const isFull = schedule.now < fullUntil && !IS_READ.test(verb);
      const refused = isFull || (features.has("refusals") && refusals.happens(refusalRate));
      const dies =
        features.has("deaths-in-calls") && deaths.happens(deathRate) ? deaths.oneOf(["before", "during", "after"] as const) : "no";
      return { beforeMs, afterMs, refused, dies };
    },
    slowDown: (ms) => {
      tell("store", `is slow for ${ms} ms`);
      slowUntil = schedule.now + ms;
    },
    fillUp: (ms) => {
      tell("store", `is full for ${ms} ms`);
      fullUntil = schedule.now + ms;
    },
    heal: () => {
      isHealed = true;
    },
    get isHealed() {
      return isHealed;
    },
  };
}
