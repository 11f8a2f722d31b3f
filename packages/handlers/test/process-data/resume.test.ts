import { execFile } from "node:child_process";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { JsonValue } from "@streamer/protocol";
import { describe, expect, it } from "vitest";
import { startRun } from "../run-handler.ts";
import type { Job } from "./die-after-stage.ts";
import { CLASSIFY, dataFolder, flowers, handlerOn, processed, temporaryFolder } from "./runs.ts";

const CHILD = fileURLToPath(new URL("die-after-stage.ts", import.meta.url));
const STAGES = ["ingest", "preprocess", "features", "model"];

/** Kills a run after a stage, or at a message after it; answers where its blobs are and the checkpoint it left. */
async function killedAfter(
  { stage, message }: Pick<Job, "stage" | "message">,
  isolate: string,
  input: unknown,
): Promise<{ blobsFolder: string; resumed: JsonValue }> {
  const blobsFolder = await temporaryFolder();
  const checkpointFile = join(await temporaryFolder(), "checkpoint.json");
  const job: Job = { isolate, input, blobsFolder, checkpointFile, stage, ...(message !== undefined && { message }) };
  const ended = await promisify(execFile)(process.execPath, ["--disable-warning=ExperimentalWarning", CHILD, JSON.stringify(job)]).catch(
    (error: unknown) => error,
  );
  expect(ended).toMatchObject({ signal: "SIGKILL" });
  return { blobsFolder, resumed: JSON.parse(await readFile(checkpointFile, "utf8")) as JsonValue };
}

describe("a run whose process was killed", () => {
  it.each([
    [1, { model: "logistic" }],
    [2, { model: "logistic", encoding: "target" }, { type: "query", query: "SELECT * FROM flowers" }],
    [3, { model: "boosting", feature_selection: "mutual_information", derived_features: ["products"] }],
    [4, { model: "forest", max_iterations: 20 }],
    [4, { model: "logistic", folds: 3 }],
  ] as const)("after stage %i goes on from there, to the same end (%j)", async (stage, options, source = CLASSIFY.data_source) => {
    const folder = await dataFolder({ "flowers.csv": flowers(300) });
    const handler = await handlerOn(folder);
    const input = { ...CLASSIFY, data_source: source, options };
    const undisturbed = await processed(handler, input);
    const { blobsFolder, resumed } = await killedAfter({ stage }, handler.isolate!, input);
    // Whoever read the file again would notice.
    await rm(join(folder, "flowers.csv"));
    const { result, run, output } = await processed(handler, input, { blobsFolder, resumed, attempt: 2 });
    const takenOver = run.reports.filter(({ message }) => message?.includes("earlier attempt")).map(({ metadata }) => metadata.stage);
    expect(takenOver).toEqual(STAGES.slice(0, stage));
    expect(output).toBe(undisturbed.output);
    expect(result.metrics).toEqual(undisturbed.result.metrics);
    expect(result.data).toEqual(undisturbed.result.data);
    expect((await readdir(blobsFolder)).toSorted()).toEqual(["model-card.json", "model-report.html", "model.json", "predictions.json"]);
  });

  it("in the middle of the model stage goes on from the fits that are finished", async () => {
    const handler = await handlerOn(await dataFolder({ "flowers.csv": flowers(300) }), { keepFitsFromMs: 0 });
    const input = { ...CLASSIFY, options: { model: "boosting", max_iterations: 100, early_stopping: false } };
    const undisturbed = await processed(handler, input);
    const { blobsFolder, resumed } = await killedAfter({ stage: 3, message: "on held-out rows" }, handler.isolate!, input);
    expect(await readdir(blobsFolder)).toContain("stage-fit-boosting-choice.json");
    const { run, output } = await processed(handler, input, { blobsFolder, resumed, attempt: 2 });
    const fitted = run.reports.filter(({ message }) => message === "boosting: Round 100 of 100");
    expect(fitted).toHaveLength(1);
    expect(output).toBe(undisturbed.output);
    expect((await readdir(blobsFolder)).toSorted()).toEqual(["model-card.json", "model-report.html", "model.json", "predictions.json"]);
  });

  it("does a stage again whose blobs are gone", async () => {
    const handler = await handlerOn(await dataFolder({ "flowers.csv": flowers(120) }));
    const input = { ...CLASSIFY, options: { model: "logistic" } };
    const { blobsFolder, resumed } = await killedAfter({ stage: 2 }, handler.isolate!, input);
    await rm(join(blobsFolder, "stage-2.json"));
    const { run } = await processed(handler, input, { blobsFolder, resumed });
    const takenOver = run.reports.filter(({ message }) => message?.includes("earlier attempt")).map(({ metadata }) => metadata.stage);
    expect(takenOver).toEqual(["ingest"]);
  });

  it("and one that is handed back keep what the next attempt needs", async () => {
    const handler = await handlerOn(await dataFolder({ "flowers.csv": flowers(120) }));
    const blobsFolder = await temporaryFolder();
    const run = await startRun(handler, CLASSIFY, { blobsFolder, onCheckpoint: (_, { stop }) => stop("shutting_down") });
    await expect(run.result).rejects.toMatchObject({ name: "Stopped" });
    expect((await readdir(blobsFolder)).toSorted()).toEqual(["stage-1.json", "stage-raw-1.duckdb", "stage-raw-1.duckdb.wal"]);
  });
});
