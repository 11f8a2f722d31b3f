/**
 * One lane of a shard: batches in order, the next only once the last has succeeded or was given up. What happens to a batch
 * that fails, in the order Lambda documents: records before the first reported failure are done; the rest is halved, if
 * the mapping bisects; it is tried again while attempts and age allow; then it goes to the destination, and the lane goes on.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { MappingPlan } from "../assembly/sources.ts";
import type { Served } from "../lambda/fleet.ts";
import { createdAt, type StreamRecord } from "./records.ts";

export type GivenUp = "RetryAttemptsExhausted" | "RecordAgeExceeded";
export interface LaneParts {
  readonly plan: MappingPlan;
  readonly retryMs: readonly [first: number, most: number];
  readonly signal: AbortSignal;
  /** Undefined once everything stops. */
  invoke(records: readonly StreamRecord[]): Promise<Served | undefined>;
  giveUp(records: readonly StreamRecord[], why: GivenUp, last: { readonly attempts: number; readonly served: Served | undefined }): void;
}
export interface Lane {
  /** Resolves once fewer than some batches wait. */
  add(records: readonly StreamRecord[]): Promise<void>;
}

/** Records read ahead of a lane that is behind, in batches. */
const READ_AHEAD = 10;

export function createLane({ plan, retryMs, signal, invoke, giveUp }: LaneParts): Lane {
  const waiting: StreamRecord[] = [];
  const behind: (() => void)[] = [];
  let isRunning = false;

  const failedFrom = (records: readonly StreamRecord[], { isError, payload }: Served): number => {
    if (isError) return 0;
    if (!plan.reportsItemFailures) return records.length;
    const answer = JSON.parse(payload) as { readonly batchItemFailures?: readonly { readonly itemIdentifier?: string }[] } | null;
    const failures = answer?.batchItemFailures ?? [];
    if (failures.length === 0) return records.length;
    const positions = failures.map(({ itemIdentifier }) => records.findIndex(({ dynamodb }) => dynamodb.SequenceNumber === itemIdentifier));
    // An identifier that names no record fails the whole batch.
    return Math.max(0, Math.min(...positions));
  };

  const process = async (batch: readonly StreamRecord[], triedBefore = 0): Promise<void> => {
    let records = batch;
    let last: Served | undefined;
    for (let attempts = triedBefore; records.length > 0 && !signal.aborted;) {
      const young = records.filter((record) => Date.now() - createdAt(record) <= plan.maximumRecordAgeMs);
      if (young.length < records.length) {
        giveUp(records.slice(0, records.length - young.length), "RecordAgeExceeded", { attempts, served: last });
        records = young;
        continue;
      }
      last = await invoke(records);
      if (last === undefined) return;
      const done = failedFrom(records, last);
      if (done > 0) attempts = 0;
      else attempts += 1;
      records = records.slice(done);
      if (records.length === 0) return;
      if (plan.bisects && records.length > 1) {
        const middle = Math.ceil(records.length / 2);
        await process(records.slice(0, middle), attempts);
        return process(records.slice(middle), attempts);
      }
      if (plan.maximumRetryAttempts >= 0 && attempts > plan.maximumRetryAttempts) {
        return giveUp(records, "RetryAttemptsExhausted", { attempts, served: last });
      }
      const [first, most] = retryMs;
      await wait(Math.min(most, first * 2 ** Math.max(0, attempts - 1)), undefined, { signal }).catch(() => undefined);
    }
  };

  const run = async (): Promise<void> => {
    isRunning = true;
    while (waiting.length > 0 && !signal.aborted) {
      const batch = waiting.splice(0, plan.batchSize);
      if (waiting.length < READ_AHEAD * plan.batchSize) for (const go of behind.splice(0)) go();
      await process(batch);
    }
    isRunning = false;
    for (const go of behind.splice(0)) go();
  };

  return {
    add: async (records) => {
      waiting.push(...records);
      if (!isRunning) void run();
      if (waiting.length >= READ_AHEAD * plan.batchSize) await new Promise<void>((resolve) => void behind.push(resolve));
    },
  };
}
