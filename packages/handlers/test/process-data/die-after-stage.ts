/**
 * A process that runs process_data and kills itself, as the kernel would, right after the checkpoint of one stage, or
 * at a message after it. What it leaves is what any engine would find: blobs, and the checkpoint, here in a file. Argument: JSON of `Job`.
 */
import { writeFileSync } from "node:fs";
import type { AnyHandler } from "@streamer/core";
import type { JsonValue } from "@streamer/protocol";
import { startRun } from "../run-handler.ts";

export interface Job {
  readonly isolate: string;
  readonly input: unknown;
  readonly blobsFolder: string;
  readonly checkpointFile: string;
  readonly stage: number;
  /** Ends a message of the stage that follows, which it dies at then. */
  readonly message?: string;
}

const job = JSON.parse(process.argv[2] ?? "") as Job;
const module = (await import(job.isolate)) as Record<string, AnyHandler>;
const handler = Object.values(module).find(({ action }) => action === "process_data")!;
const die = (): boolean => process.kill(process.pid, "SIGKILL");
const run = await startRun(handler, job.input, {
  blobsFolder: job.blobsFolder,
  onCheckpoint: (state: JsonValue) => {
    if ((state as { finished: number }).finished < job.stage) return;
    writeFileSync(job.checkpointFile, JSON.stringify(state));
    if (job.message === undefined) die();
  },
  onReport: ({ message }) => {
    if (job.message !== undefined && message?.endsWith(job.message)) die();
  },
});
await run.result;
