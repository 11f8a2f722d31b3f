/**
 * What learning takes of memory: in a process of its own, as an engine has it, with the limit an engine puts on it. The
 * limit counts what Node sets aside (some 560 MB) and the buffers of DuckDB.
 */
import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { isFatal, type Fatal } from "@streamer/core";
import { seededRandom } from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import { describe, expect, it } from "vitest";
import { watchMemory } from "../../src/process-data/memory.ts";
import type { ReportUse } from "../report-child.ts";
import { dataFolder, handlerOn, temporaryFolder } from "./runs.ts";

const MIB = 1_048_576;
const CHILD = join(import.meta.dirname, "../report-child.ts");
const canLimit = spawnSync("prlimit", ["--data=1000000000", "true"]).status === 0;

/** Noise: trees grow as large as they can. */
function noise(rows: number): string {
  const random = seededRandom(7);
  const cells = (): string => `${random().toFixed(5)},${random().toFixed(5)}`;
  return ["a,y", ...Array.from({ length: rows }, cells)].join("\n");
}

async function learn(rows: number, limitBytes: number, options: JsonObject): Promise<ReportUse> {
  const folder = await dataFolder({ "noise.csv": noise(rows) });
  const { isolate, action } = await handlerOn(folder, { memoryMb: 128 });
  const input = { pipeline: "regression", target: "y", data_source: { type: "file", path: "noise.csv" }, options };
  const job = JSON.stringify({ isolate, action, input, blobsFolder: await temporaryFolder() });
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", CHILD, job];
  const { stdout } = await promisify(execFile)("prlimit", [`--data=${limitBytes}`, ...node]);
  return JSON.parse(stdout) as ReportUse;
}

describe.runIf(canLimit)("memory of learning", () => {
  it("a large forest is learned and stored without a second copy, as text or while it grows", { timeout: 240_000 }, async () => {
    const { result, error, peakOverIdleMb } = await learn(20_000, 1_600 * MIB, { model: "forest", max_iterations: 250 });
    expect(error).toBeUndefined();
    expect(result).toMatchObject({ rows: 20_000, model: { name: "forest" } });
    expect(peakOverIdleMb).toBeLessThan(520);
  });

  it("a run that needs more than its process has says so, and what to do, before it is ended", { timeout: 120_000 }, async () => {
    const { result, error } = await learn(20_000, 900 * MIB, { model: "forest", max_iterations: 250 });
    expect(result).toBeUndefined();
    // By whoever is refused it first: DuckDB says so itself.
    expect(error).toMatch(
      /needs more memory than its process has.*options\.max_iterations|does not fit the memory of a run.*fewer columns or rows/,
    );
  });
});

describe("near the limit", () => {
  const ended = async (used: () => number): Promise<unknown> => {
    using memory = watchMemory([{ bytes: 1_000 * MIB, used }]);
    const aborted = once(memory.signal, "abort").then(() => memory.signal.reason as unknown);
    return await Promise.race([aborted, setTimeout(1_000, "goes on")]);
  };

  it("a run ends with what to do", async () => {
    const error = await ended(() => 950 * MIB);
    expect(isFatal(error)).toBe(true);
    expect((error as Fatal).code).toBe("PROCESSING_FAILED");
    expect((error as Fatal).message).toMatch(/more memory than its process has \(1000 MiB\).*options\.max_iterations.*more memory/);
  });

  it("a run goes on where collecting garbage is enough", async () => {
    let looks = 0;
    expect(await ended(() => ((looks += 1) === 1 ? 950 : 500) * MIB)).toBe("goes on");
  });
});
