/**
 * process_data: learns from a table, or applies what was learned, in five stages (see progress.ts).
 *
 * Configured twice with the same options: here, where the handler is registered, and in the child process that runs it,
 * which imports `handler.isolate` and finds them in that URL (isolated.ts). What a run does is in process.ts.
 */
import { resolve } from "node:path";
import { defineHandler, type Handler } from "@streamer/core";
import type { Channels } from "./ingest/channel.ts";
import { channelsIn } from "./ingest/channel-folders.ts";
import { processInput } from "./input.ts";
import { processOutput, type ProcessResult } from "./process-result.ts";
import type { Run, Settings } from "./run.ts";

export interface ProcessDataOptions {
  /** The folder with the data sets; the only one a run reads. */
  readonly dataFolder: string;
  /** Where channels are kept: a folder, or, where runs share no disk, a store. append_rows must be given the same. */
  readonly channels: string | Channels;
  /** Ends this process: the last resort against a query that cannot be stopped. For engines that give each run a process of its own. */
  readonly endProcess?: () => void;
  /** DuckDB's buffers in MB. Default 512. */
  readonly memoryMb?: number;
  /** Default 2. */
  readonly threads?: number;
  /** What DuckDB may put on disk of a run that does not fit its buffers, in MB. Default 20,000. */
  readonly spillMb?: number;
  /** Larger files are refused. Default 4 GB. */
  readonly maxFileBytes?: number;
  /** Fits that took this long, in ms, are kept for the next attempt. Default 500. */
  readonly keepFitsFromMs?: number;
  /** How long a run waits for rows of a channel, in ms, before it gives its worker back and is had again later. Default 1,000. */
  readonly waitHereMs?: number;
}

export type ProcessData = Handler<"process_data", typeof processInput, ProcessResult>;

/** Longest one attempt may take: an hour learns from a million rows with every model there is. */
const TIMEOUT_MS = 60 * 60_000;
const DEFAULT_MEMORY_MB = 512;
const DEFAULT_THREADS = 2;
const DEFAULT_SPILL_MB = 20_000;
const DEFAULT_MAX_FILE_BYTES = 4_000_000_000;
/** Storing a model takes about 10 ms on a disk, and up to 100 ms on S3. */
const DEFAULT_KEEP_FITS_FROM_MS = 500;
/** A client that sends what it has is done by then; a slower one is waited for without a worker. */
const DEFAULT_WAIT_HERE_MS = 1_000;
/** Above the threshold for answering at once, so that every run is durable and its process can be another's. */
const ESTIMATE_MS = 15_000;

export function createProcessData(options: ProcessDataOptions): ProcessData {
  const settings = settingsOf(options);
  return processData(settings, {
    channels: channelsIn(options.channels),
    endProcess:
      options.endProcess ??
      (() => {
        throw new Error("Only a run in a process of its own can end it.");
      }),
  });
}

export function processData(settings: Settings, parts: Pick<Run, "channels" | "endProcess">): ProcessData {
  return defineHandler({
    action: "process_data",
    description:
      "Classification, regression, clustering, anomaly detection or transformation of a table, with metrics, predictions and a model to use again.",
    input: processInput,
    output: processOutput,
    estimate: ESTIMATE_MS,
    timeoutMs: TIMEOUT_MS,
    retry: { maxAttempts: 3, baseMs: 1_000, capMs: 30_000 },
    isolate: isolateUrl(settings),
    percentages: "time",
    // Where channels are no folder, they are objects that are fetched.
    network: settings.channelsFolder === undefined,
    // What a run needs is loaded by the process that runs it: functions that only take requests in carry none of it.
    run: async (input, ctx) => (await import("./process.ts")).processTable(input, ctx, { settings, ...parts }),
  });
}

function settingsOf(options: ProcessDataOptions): Settings {
  return {
    dataFolder: resolve(options.dataFolder),
    channelsFolder: typeof options.channels === "string" ? resolve(options.channels) : undefined,
    memoryMb: options.memoryMb ?? DEFAULT_MEMORY_MB,
    threads: options.threads ?? DEFAULT_THREADS,
    spillMb: options.spillMb ?? DEFAULT_SPILL_MB,
    maxFileBytes: options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES,
    keepFitsFromMs: options.keepFitsFromMs ?? DEFAULT_KEEP_FITS_FROM_MS,
    waitHereMs: options.waitHereMs ?? DEFAULT_WAIT_HERE_MS,
  };
}

function isolateUrl(settings: Settings): string {
  const url = new URL("./isolated.ts", import.meta.url);
  url.searchParams.set("settings", JSON.stringify(settings));
  return url.href;
}

/** The settings in a URL made by `isolateUrl`. */
export function settingsIn(moduleUrl: string): Settings {
  const settings = new URL(moduleUrl).searchParams.get("settings");
  if (settings === null) throw new Error("isolated.ts is imported by the URL in process_data's `isolate`, which carries its settings.");
  return JSON.parse(settings) as Settings;
}
