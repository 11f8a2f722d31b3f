/**
 * graphile-worker on PostgreSQL, as fast as its documentation shows how: submissions of a moment are stored by one call, its
 * local queue fetches many jobs at a time, and completions are written many at a time. It stores neither results nor
 * progress: both go by a call within the process.
 */
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import { Pool } from "pg";
import { jobs } from "../jobs.ts";
import type { HostSettings, Submission, Submit, Told } from "../parts.ts";

const TASK = "bench";
const CONNECTIONS = 10;
const LOCAL_QUEUE = 400;
const COMPLETE_AFTER_MS = 5;

export async function openGraphile({ postgresUrl, slots }: HostSettings, told: Told): Promise<Submit> {
  const logger = new Logger(() => (level, message) => {
    if (level === "error") console.error(message);
  });
  const pool = (): Pool => new Pool({ connectionString: postgresUrl!, max: CONNECTIONS });
  const utils = await makeWorkerUtils({ pgPool: pool(), logger });
  await utils.migrate();
  const task = async ({ jobId, kind, data }: Submission): Promise<void> => {
    told.result(jobId, await jobs[kind](data, (update) => told.progress(jobId, update)));
  };
  await run({
    pgPool: pool(),
    taskList: { [TASK]: task },
    noHandleSignals: true,
    logger,
    preset: {
      worker: {
        concurrentJobs: slots,
        localQueue: { size: LOCAL_QUEUE },
        completeJobBatchDelay: COMPLETE_AFTER_MS,
        failJobBatchDelay: COMPLETE_AFTER_MS,
      },
    },
  });
  return batched((list) => utils.addJobs(list.map((payload) => ({ identifier: TASK, payload }))));
}

/** One call at a time; what is submitted meanwhile goes with the next. */
function batched(submitAll: (list: readonly Submission[]) => Promise<unknown>): Submit {
  let waiting: { readonly submission: Submission; resolve(): void; reject(error: unknown): void }[] = [];
  let isBusy = false;
  async function flush(): Promise<void> {
    if (isBusy || waiting.length === 0) return;
    isBusy = true;
    const batch = waiting;
    waiting = [];
    try {
      await submitAll(batch.map(({ submission }) => submission));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    isBusy = false;
    void flush();
  }
  return (submission) =>
    new Promise<void>((resolve, reject) => {
      waiting.push({ submission, resolve, reject });
      if (waiting.length === 1) setImmediate(() => void flush());
    });
}
