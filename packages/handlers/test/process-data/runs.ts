/** Runs of process_data for tests: data folders made on the spot, and the run itself as an engine would start it. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Fatal } from "@streamer/core";
import { seededRandom } from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import { createProcessData, type ProcessData, type ProcessDataOptions, type ProcessResult } from "../../src/process-data/index.ts";
import { startRun, type RunOptions, type StartedRun } from "../run-handler.ts";
import { temporaryFolder } from "../generate-report/shops.ts";

export { temporaryFolder } from "../generate-report/shops.ts";

export async function dataFolder(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, body] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), body);
  }
  return folder;
}

export async function handlerOn(folder: string, options: Partial<ProcessDataOptions> = {}): Promise<ProcessData> {
  return createProcessData({ dataFolder: folder, channels: join(await temporaryFolder(), "channels"), ...options });
}

export interface Processed {
  readonly result: ProcessResult;
  readonly run: StartedRun<ProcessResult>;
  /** The output file. */
  readonly output: string;
}

export async function processed(handler: ProcessData, input: unknown, options: RunOptions = {}): Promise<Processed> {
  const run = await startRun(handler, input, { blobsFolder: await temporaryFolder(), ...options });
  const result = await run.result;
  return { result, run, output: await readFile(fileURLToPath(result.url), "utf8") };
}

/** What a run fails with. */
export async function failure(handler: ProcessData, input: unknown, options: RunOptions = {}): Promise<Fatal> {
  const run = await startRun(handler, input, { blobsFolder: await temporaryFolder(), ...options });
  return run.result.then(
    () => Promise.reject(new Error("The run was expected to fail.")),
    (error: Fatal) => error,
  );
}

/**
 * Rows with two numbers and a colour that tell the class, a number that does not, gaps, and an id. `size` is continuous
 * in them too.
 */
export function flowers(rows: number, seed = 1): string {
  const random = seededRandom(seed);
  const lines = Array.from({ length: rows }, (_, row) => {
    const kind = row % 3;
    const width = kind + random() * 1.2;
    const height = 3 - kind + random() * 1.5;
    const colour = random() < 0.8 ? ["red", "white", "blue"][kind] : "white";
    const noise = random().toFixed(4);
    const size = (2 * width - height + random() / 5).toFixed(4);
    const gap = random() < 0.05 ? "" : width.toFixed(4);
    return `f${row},${gap},${height.toFixed(4)},${colour},${noise},2024-0${1 + (row % 9)}-11,${size},${["rose", "lily", "iris"][kind]}`;
  });
  return ["id,width,height,colour,noise,picked,size,kind", ...lines].join("\n");
}

const FLOWERS: JsonObject = { type: "file", path: "flowers.csv" };
export const CLASSIFY: JsonObject = { pipeline: "classification", data_source: FLOWERS, target: "kind", id_columns: ["id"] };
