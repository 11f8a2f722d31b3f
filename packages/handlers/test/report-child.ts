/**
 * Runs one report the way an engine does: in a process of its own, which imports the module `isolate` names and finds
 * the handler in it by its action. Prints one line of JSON: the result, or the error, and what the process used.
 * Argument: JSON of `ReportJob`.
 */
import type { AnyHandler } from "@streamer/core";
import { startRun } from "./run-handler.ts";

interface ReportJob {
  readonly isolate: string;
  readonly action: string;
  readonly input: unknown;
  readonly blobsFolder: string;
}

export interface ReportUse {
  readonly result?: unknown;
  readonly error?: string;
  /** Updates the report made. */
  readonly updates: number;
  readonly wallMs: number;
  /** User and system time of the process, by stage: the first includes loading the handler. */
  readonly stageCpuMs: Readonly<Record<string, number>>;
  /** Peak resident memory, as the kernel saw it, over what the process held before the handler was loaded. */
  readonly peakOverIdleMb: number;
}

const job = JSON.parse(process.argv[2] ?? "") as ReportJob;
const idleBytes = process.memoryUsage.rss();
const cpuMs = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1_000;
const startedAt = performance.now();
const module = (await import(job.isolate)) as Record<string, AnyHandler>;
const handler = Object.values(module).find((exported) => exported.action === job.action);
if (!handler) throw new Error(`${job.isolate} exports no handler for ${job.action}`);
const stageCpuMs: Record<string, number> = {};
let stage = "query";
let since = cpuMs();
const closeStage = (): void => {
  const now = cpuMs();
  stageCpuMs[stage] = Math.round((stageCpuMs[stage] ?? 0) + now - since);
  since = now;
};
const run = await startRun(handler, job.input, {
  blobsFolder: job.blobsFolder,
  onReport: ({ metadata }) => {
    if (metadata.stage === stage) return;
    closeStage();
    stage = metadata.stage as string;
  },
});
const outcome = await run.result.then(
  (result) => ({ result }),
  (error: unknown) => ({ error: String(error) }),
);
closeStage();
const use: ReportUse = {
  ...outcome,
  updates: run.reports.length,
  wallMs: Math.round(performance.now() - startedAt),
  stageCpuMs,
  peakOverIdleMb: Math.round((process.resourceUsage().maxRSS * 1_024 - idleBytes) / 1_000_000),
};
console.log(JSON.stringify(use));
