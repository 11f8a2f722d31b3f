/**
 * Errors of handlers as the log has them: what was thrown and where, and none of the members that libraries hang on errors,
 * in which payloads are. Each action has so many with a stack at a time: one that always fails must not be all of the log.
 */
import { asError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { take, type Bucket } from "../rules/rate.ts";

export interface Stacks {
  /** The error with its stack; undefined when its action has had its part for now, which is counted. */
  of(action: string, thrown: unknown): Error | undefined;
}

export interface StacksParts {
  readonly log: Pick<Log, "warn">;
  readonly clock: Pick<Clock, "monotonic" | "after">;
}

/** Failures of one action that are logged whole: so many at once, and one a second. */
const BURST = 20;
const PER_SECOND = 1;
/** How long those that were not are counted before the log says how many they were. */
const COUNTED_MS = 10_000;
const MAX_MESSAGE_LENGTH = 1_024;
const MAX_STACK_LENGTH = 4_096;
/** An error may have one as its cause, and so on. */
const MAX_CAUSES = 3;

export function createStacks({ log, clock }: StacksParts): Stacks {
  const buckets = new Map<string, Bucket>();
  const left = new Map<string, number>();

  function count(action: string): void {
    if (!left.has(action))
      clock.after(COUNTED_MS, () => {
        log.warn({ action, failures: left.get(action)! }, "a handler failed more often than is logged with its stack");
        left.delete(action);
      });
    left.set(action, (left.get(action) ?? 0) + 1);
  }

  return {
    of: (action, thrown) => {
      const bucket = buckets.get(action) ?? { tokens: BURST, at: clock.monotonic() };
      buckets.set(action, bucket);
      if (take(bucket, PER_SECOND, BURST, clock.monotonic()) === 0) return forLog(thrown);
      count(action);
      return undefined;
    },
  };
}

/** Name, message, stack and causes; nothing else. */
function forLog(thrown: unknown): Error {
  const { name, message } = asError(thrown);
  const error = Object.assign(new Error(message.slice(0, MAX_MESSAGE_LENGTH).toWellFormed()), { name });
  error.stack = whole(thrown, MAX_CAUSES).slice(0, MAX_STACK_LENGTH).toWellFormed();
  return error;
}

function whole(thrown: unknown, causes: number): string {
  const { name, message, stack = `${name}: ${message}`, cause } = asError(thrown);
  return cause === undefined || causes === 0 ? stack : `${stack}\ncaused by ${whole(cause, causes - 1)}`;
}
