/**
 * Asynchronous invocations of one function under one qualifier: they wait for an instance as long as they may, are repeated
 * when they fail as often as they may, and what is given up goes to the destination.
 */
import { randomUUID } from "node:crypto";
import type { AsyncPlan } from "../assembly/functions.ts";
import { destinationRecord, type AsyncEvent, type Condition } from "./destination.ts";
import type { Fleet, Served } from "./fleet.ts";

export interface AsyncQueue {
  /** Returns the id of the request. */
  add(event: string): string;
  stop(): void;
}
export interface AsyncQueueParts {
  readonly arn: string;
  readonly plan: Omit<AsyncPlan, "arn">;
  readonly fleet: Fleet;
  readonly retryMs: readonly number[];
  /** Sends a record to a queue. */
  deliver(queueArn: string, record: string): void;
}

export function createAsyncQueue({ arn, plan, fleet, retryMs, deliver }: AsyncQueueParts): AsyncQueue {
  const timers = new Set<NodeJS.Timeout>();
  let isStopped = false;

  const conclude = (event: AsyncEvent, condition: Condition, last: Served | undefined): void => {
    const queueArn = condition === "Success" ? plan.onSuccess : plan.onFailure;
    if (queueArn !== undefined) deliver(queueArn, destinationRecord(event, arn, [condition, last]));
  };
  const later = (event: AsyncEvent, last: Served, delayMs: number): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      void attempt(event, last);
    }, delayMs);
    timers.add(timer);
  };
  const attempt = async (event: AsyncEvent, last?: Served): Promise<void> => {
    const slot = await fleet.reserve();
    if (slot === undefined) return;
    if (isStopped) return slot.release();
    if (Date.now() - event.receivedAt > plan.maximumEventAgeMs) {
      slot.release();
      return conclude(event, "EventAgeExceeded", last);
    }
    event.attempts += 1;
    const served = await slot.run(event.event, arn, event.requestId);
    if (isStopped) return;
    if (!served.isError) return conclude(event, "Success", served);
    if (event.attempts > plan.maximumRetryAttempts) return conclude(event, "RetriesExhausted", served);
    later(event, served, retryMs[Math.min(event.attempts, retryMs.length) - 1] ?? 0);
  };

  return {
    add: (event) => {
      const requestId = randomUUID();
      void attempt({ requestId, event, receivedAt: Date.now(), attempts: 0 });
      return requestId;
    },
    stop: () => {
      isStopped = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
