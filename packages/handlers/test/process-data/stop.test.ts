import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { ProcessData } from "../../src/process-data/index.ts";
import { startRun, type Reported } from "../run-handler.ts";
import { CLASSIFY, dataFolder, flowers, handlerOn, processed, temporaryFolder } from "./runs.ts";

const STAGES = ["ingest", "preprocess", "features", "model", "postprocess"] as const;

/** Large enough that there is something to stop. */
let csv = "";
beforeAll(() => {
  csv = flowers(40_000);
});
const large = async (): Promise<ProcessData> => handlerOn(await dataFolder({ "flowers.csv": csv }));

/** Ms since now, less what other processes of the machine took: the clock while this one had a core, else its CPU time. */
function stopwatch(): () => number {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return Math.min(performance.now() - startedAt, (user + system) / 1_000);
  };
}

async function expectStopped(
  handler: ProcessData,
  input: unknown,
  isMoment: (report: Reported) => boolean,
  afterMs: number,
): Promise<void> {
  const blobsFolder = await temporaryFolder();
  let sinceStop: (() => number) | undefined;
  const run = await startRun(handler, input, {
    blobsFolder,
    onReport: (report, { stop }) => {
      if (sinceStop || !isMoment(report)) return;
      sinceStop = () => 0;
      const stopNow = (): void => {
        sinceStop = stopwatch();
        stop();
      };
      if (afterMs === 0) stopNow();
      else setTimeout(stopNow, afterMs);
    },
  });
  await expect(run.result).rejects.toMatchObject({ name: "Stopped", reason: "cancelled" });
  expect(sinceStop!()).toBeLessThan(1_000);
  expect(await readdir(blobsFolder)).toEqual([]);
  expect(existsSync(run.scratchFolder)).toBe(false);
}

describe("a run that is cancelled stops within a second and leaves nothing:", () => {
  it.each(STAGES)("at the beginning of %s", async (stage) => {
    await expectStopped(
      await handlerOn(await dataFolder({ "flowers.csv": flowers(2_000) })),
      { ...CLASSIFY, options: { model: "logistic" } },
      ({ metadata }) => metadata.stage === stage,
      0,
    );
  });

  it.each([
    ["reading a file", { ...CLASSIFY }, ({ metadata }: Reported) => metadata.stage === "ingest", 30],
    [
      "fitting boosting",
      { ...CLASSIFY, options: { model: "boosting", calibration: false } },
      ({ message }: Reported) => message?.includes("Round 3 ") ?? false,
      40,
    ],
    [
      "fitting a forest",
      { ...CLASSIFY, options: { model: "forest", calibration: false } },
      ({ message }: Reported) => message?.startsWith("forest:") ?? false,
      150,
    ],
    ["scoring", { ...CLASSIFY, options: { model: "baseline" } }, ({ metadata }: Reported) => Number(metadata.rows_scored) > 0, 0],
    [
      "finding neighbours",
      { pipeline: "anomaly", data_source: CLASSIFY.data_source, features: ["width", "height"], options: { model: "local_outlier_factor" } },
      ({ metadata }: Reported) => metadata.stage === "model",
      200,
    ],
    [
      "clustering",
      { pipeline: "clustering", data_source: CLASSIFY.data_source, features: ["width", "height"] },
      ({ metadata }: Reported) => metadata.stage === "model",
      100,
    ],
    [
      "a query",
      { pipeline: "clustering", data_source: { type: "query", query: "SELECT count(*) AS n FROM range(1000000000) a, flowers" } },
      ({ message }: Reported) => message?.startsWith("Running the query") ?? false,
      150,
    ],
    [
      "waiting for rows",
      { pipeline: "clustering", data_source: { type: "stream", stream_id: "s" } },
      ({ message }: Reported) => message?.startsWith("Waiting") ?? false,
      50,
    ],
  ] as const)("while %s", async (_, input, isMoment, afterMs) => {
    await expectStopped(await large(), input, isMoment, afterMs);
  });
});

describe("progress", () => {
  it("goes through the five stages, forward only, in fifty updates and more on a long run", async () => {
    const { run } = await processed(await large(), {
      ...CLASSIFY,
      output: { format: "csv" },
      options: { model: "boosting", max_iterations: 40 },
    });
    expect([...new Set(run.reports.map(({ metadata }) => metadata.stage))]).toEqual([...STAGES]);
    const percentages = run.reports.map(({ percentage }) => percentage);
    expect(percentages).toEqual(percentages.toSorted((a, b) => a - b));
    expect(new Set(percentages).size).toBeGreaterThanOrEqual(50);
    expect(run.reports.at(-1)).toMatchObject({ percentage: 100, metadata: { rows_written: 40_000 } });
    expect(run.reports.filter(({ metadata }) => metadata.bytes_read !== undefined).length).toBeGreaterThan(0);
    expect(existsSync(join(run.scratchFolder))).toBe(false);
  });
});
