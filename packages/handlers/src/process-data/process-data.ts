/**
 * process_data: learns from a table, or applies what was learned, in five stages (see progress.ts).
 *
 * Configured twice with the same options: here, where the handler is registered, and in the child process that runs it,
 * which imports `handler.isolate` and finds them in that URL (isolated.ts). Each finished stage leaves its state for the
 * next attempt (stage-store.ts); a run that ends for good, however it ends, leaves only what its result names.
 */
import { resolve } from "node:path";
import { defineHandler, isFatal, isStopped, type Handler, type HandlerContext } from "@streamer/core";
import type { Database } from "../duckdb/database.ts";
import { channelFolder, leaveChannel, removeChannel } from "./ingest/channel.ts";
import { processInput, type ProcessInput } from "./input.ts";
import type { ProcessResult } from "./outputs/result.ts";
import { withoutPaths } from "./problem.ts";
import { createProgress } from "./progress.ts";
import type { Run, Settings } from "./run.ts";
import { chooseFeatures } from "./stages/features.ts";
import { ingest, type Ingested } from "./stages/ingest.ts";
import { trainModel } from "./stages/model.ts";
import { postprocess, type Finished } from "./stages/postprocess.ts";
import { preprocess } from "./stages/preprocess.ts";
import { scoreWithModel } from "./stages/score-with-model.ts";
import { openStages, type StageStore } from "./stage-store.ts";

export interface ProcessDataOptions {
  /** The folder with the data sets; the only one a run reads. */
  readonly dataFolder: string;
  /** Where channels live: the one that append_rows is given. */
  readonly channelsFolder: string;
  /** DuckDB's buffers in MB. Default 512. */
  readonly memoryMb?: number;
  /** Default 2. */
  readonly threads?: number;
  /** Larger files are refused. Default 4 GB. */
  readonly maxFileBytes?: number;
}

export type ProcessData = Handler<"process_data", typeof processInput, ProcessResult>;

/** Longest one attempt may take: an hour learns from a million rows with every model there is. */
const TIMEOUT_MS = 60 * 60_000;
const DEFAULT_MEMORY_MB = 512;
const DEFAULT_THREADS = 2;
const DEFAULT_MAX_FILE_BYTES = 4_000_000_000;
/** Above the threshold for answering at once, so that every run is durable and its process can be another's. */
const ESTIMATE_MS = 15_000;

export function createProcessData(options: ProcessDataOptions): ProcessData {
  const settings = settingsOf(options);
  return processData(settings, () => {
    throw new Error("Only a run in a process of its own can end it.");
  });
}

export function processData(settings: Settings, endProcess: () => void): ProcessData {
  return defineHandler({
    action: "process_data",
    description:
      "Classification, regression, clustering, anomaly detection or transformation of a table, with metrics, predictions and a model to use again.",
    input: processInput,
    estimate: ESTIMATE_MS,
    timeoutMs: TIMEOUT_MS,
    retry: { maxAttempts: 3, baseMs: 1_000, capMs: 30_000 },
    isolate: isolateUrl(settings),
    run: (input, ctx) => run(input, ctx, { settings, endProcess }),
  });
}

function settingsOf(options: ProcessDataOptions): Settings {
  return {
    dataFolder: resolve(options.dataFolder),
    channelsFolder: resolve(options.channelsFolder),
    memoryMb: options.memoryMb ?? DEFAULT_MEMORY_MB,
    threads: options.threads ?? DEFAULT_THREADS,
    maxFileBytes: options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES,
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

async function run(
  input: ProcessInput,
  ctx: HandlerContext,
  { settings, endProcess }: Pick<Run, "settings" | "endProcess">,
): Promise<ProcessResult> {
  const scratchFolder = await ctx.scratch();
  const stages = openStages(ctx, scratchFolder);
  const running: Run = { input, ctx, settings, scratchFolder, progress: createProgress(ctx), endProcess };
  try {
    const result = await allStages(running, stages);
    await stages.clear();
    return result;
  } catch (thrown) {
    const error = ctx.signal.aborted ? (ctx.signal.reason as Error) : withoutPaths(thrown);
    if (isOver(error)) await giveUp(running, stages);
    throw error;
  }
}

/** No attempt follows: what was kept for it goes. */
const isOver = (error: unknown): boolean => isFatal(error) || (isStopped(error) && error.reason === "cancelled");

async function giveUp({ input, settings, ctx }: Run, stages: StageStore): Promise<void> {
  await stages.clear();
  const { data_source: source } = input;
  if (source.type === "stream") await leaveChannel(channelFolder(settings.channelsFolder, ctx.request, source.stream_id), ctx.request.id);
}

async function allStages(running: Run, stages: StageStore): Promise<ProcessResult> {
  const { input, ctx, settings } = running;
  const { database, ingested } = await ingest(running, stages);
  await using _ = database;
  const { data_source: source } = input;
  // Only now: until its rows are stored as a stage, the channel is what a next attempt would read again.
  if (source.type === "stream") await removeChannel(channelFolder(settings.channelsFolder, ctx.request, source.stream_id));
  return await postprocess(database, running, await finishedStages(database, running, { ingested, stages }));
}

async function finishedStages(
  database: Database,
  running: Run,
  { ingested, stages }: { ingested: Ingested; stages: StageStore },
): Promise<Finished> {
  if (running.input.options.model_id !== undefined) return { ingested, ...(await scoreWithModel(database, running, ingested)) };
  const preprocessed = await preprocess(database, running, { ingested, stages });
  const prepared = await chooseFeatures(database, running, { preprocessed, stages });
  const trained = await trainModel(database, running, { ingested, preprocessed, prepared, stages });
  return { ingested, preprocessed, prepared, trained };
}
