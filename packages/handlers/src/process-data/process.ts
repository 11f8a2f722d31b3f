/**
 * One run of process_data: the five stages, each leaving its state for the next attempt (stage-store.ts). A run that ends
 * for good, however it ends, leaves only what its result names.
 */
import { isFatal, isStopped, type HandlerContext } from "@streamer/core";
import type { Database } from "../duckdb/database.ts";
import type { ProcessInput } from "./input.ts";
import type { ProcessResult } from "./process-result.ts";
import { withoutPaths } from "./problem.ts";
import { lookAgain, type Waiting } from "./ingest/wait-for-rows.ts";
import { isRefusedMemory, needsMore, watchMemory } from "./memory.ts";
import { createStages } from "../stages.ts";
import { guessedSize, stageCosts } from "./costs.ts";
import type { Run } from "./run.ts";
import { chooseFeatures } from "./stages/features.ts";
import { ingest, type Ingested } from "./stages/ingest.ts";
import { trainModel } from "./stages/model.ts";
import { postprocess, type Finished } from "./stages/postprocess.ts";
import { preprocess } from "./stages/preprocess.ts";
import { scoreWithModel } from "./stages/score-with-model.ts";
import { openStages, type StageStore } from "./stage-store.ts";

export async function processTable(
  input: ProcessInput,
  given: HandlerContext,
  parts: Pick<Run, "settings" | "channels" | "endProcess">,
): Promise<ProcessResult> {
  using memory = watchMemory();
  const ctx = stoppedAlsoBy(memory.signal, given);
  const scratchFolder = await ctx.scratch();
  const stages = openStages(ctx, scratchFolder);
  const running: Run = { input, ctx, ...parts, scratchFolder, progress: createStages(ctx, stageCosts(input, guessedSize(0))) };
  try {
    await rowsToCome(running, stages);
    const result = await allStages(running, stages);
    await stages.clear();
    return result;
  } catch (thrown) {
    const error = ctx.signal.aborted ? (ctx.signal.reason as Error) : asTold(thrown);
    if (isOver(error)) await giveUp(running, stages);
    throw error;
  }
}

const asTold = (thrown: unknown): unknown => (isRefusedMemory(thrown) ? needsMore(undefined, thrown) : withoutPaths(thrown));

const stoppedAlsoBy = (signal: AbortSignal, given: HandlerContext): HandlerContext => {
  const { request, resumed, report, setMetadata, partial, checkpoint, blobs, scratch, log } = given;
  const either = AbortSignal.any([given.signal, signal]);
  return { signal: either, request, resumed, report, setMetadata, partial, checkpoint, blobs, scratch, log };
};

/** Before anything else is begun: a run that finds its channel still open ends again. */
async function rowsToCome({ input, ctx, channels }: Run, stages: StageStore): Promise<void> {
  const { data_source: source } = input;
  if (source.type !== "stream" || !stages.waiting) return;
  const { stream_id: streamId, config } = source;
  const channel = channels.of(ctx.request, streamId);
  const keep = (waiting: Waiting): Promise<void> => stages.keepWaiting(waiting);
  await lookAgain(stages.waiting, { streamId, channel, requestId: ctx.request.id, idleMs: config.idle_timeout_ms, keep });
}

/** No attempt follows: what was kept for it goes. */
const isOver = (error: unknown): boolean => isFatal(error) || (isStopped(error) && error.reason === "cancelled");

async function giveUp({ input, channels, ctx }: Run, stages: StageStore): Promise<void> {
  await stages.clear();
  const { data_source: source } = input;
  if (source.type === "stream") await channels.of(ctx.request, source.stream_id).leave(ctx.request.id);
}

async function allStages(running: Run, stages: StageStore): Promise<ProcessResult> {
  const { input, ctx, channels } = running;
  const { database, ingested } = await ingest(running, stages);
  await using _ = database;
  const { data_source: source } = input;
  // Only now: until its rows are stored as a stage, the channel is what a next attempt would read again.
  if (source.type === "stream") await channels.of(ctx.request, source.stream_id).remove();
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
