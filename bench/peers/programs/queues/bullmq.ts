/**
 * BullMQ on Redis. Progress is `job.updateProgress`, which Redis keeps. In one process results come by the worker's own
 * events; from a worker apart they come by QueueEvents, a stream of Redis.
 */
import { Queue, QueueEvents, Worker } from "bullmq";
import { jobs, type JobData, type JobKind, type Update } from "../jobs.ts";
import type { HostSettings, Submit, Told } from "../parts.ts";

const NAME = "bench";
const connectionOf = ({ redisPort, isPipelined }: HostSettings) => ({
  host: "127.0.0.1",
  port: redisPort!,
  maxRetriesPerRequest: null,
  enableAutoPipelining: isPipelined ?? false,
});

export async function openBullmq(settings: HostSettings, told: Told): Promise<Submit> {
  const connection = connectionOf(settings);
  const queue = new Queue(NAME, {
    connection,
    defaultJobOptions: { removeOnComplete: true, removeOnFail: { count: 5_000 } },
    streams: { events: { maxLen: 10_000 } },
  });
  await queue.waitUntilReady();
  if (settings.role === "server") {
    const events = new QueueEvents(NAME, { connection });
    events.on("progress", ({ jobId, data }) => told.progress(jobId, data as Update));
    events.on("completed", ({ jobId, returnvalue }) => told.result(jobId, returnvalue));
    events.on("failed", ({ jobId, failedReason }) => told.failed(jobId, failedReason));
    await events.waitUntilReady();
  } else {
    await startBullmqWorker(settings, told);
  }
  return ({ jobId, kind, data }) => queue.add(kind, data, { jobId });
}

export async function startBullmqWorker(settings: HostSettings, told?: Told): Promise<void> {
  const worker = new Worker<JobData>(NAME, (job) => jobs[job.name as JobKind](job.data, (update) => job.updateProgress(update)), {
    connection: connectionOf(settings),
    concurrency: settings.slots,
  });
  worker.on("error", (error) => console.error(error));
  if (told) {
    worker.on("progress", (job, update) => told.progress(job.id!, update as Update));
    worker.on("completed", (job, value) => told.result(job.id!, value));
    worker.on("failed", (job, error) => told.failed(job?.id ?? "", error.message));
  }
  await worker.waitUntilReady();
}
