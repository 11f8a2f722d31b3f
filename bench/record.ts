/** Prints what a scenario measured and appends it, with everything needed to compare it, to bench/results. */
import { execFileSync } from "node:child_process";
import { existsSync, fsyncSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "@streamer/protocol";
import { percentiles, rounded } from "./figures.ts";

export type Row = Readonly<Record<string, string | number>>;

export interface Measured {
  readonly settings: JsonObject;
  readonly rows: readonly Row[];
}

export interface Scenario {
  /** Names its file of results. */
  readonly name: string;
  readonly question: string;
  /** quick: a fraction of the samples, to see that it runs; its figures are not recorded. */
  run(quick: boolean): Promise<Measured>;
}

const RESULTS = join(import.meta.dirname, "results");
const FSYNC_SAMPLES = 100;

/** `before` are the surroundings before the scenario ran: its own load is not part of them. */
export function record({ name }: Scenario, before: JsonObject, measured: Measured): void {
  mkdirSync(RESULTS, { recursive: true });
  const path = join(RESULTS, `${name}.json`);
  const earlier = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as unknown[]) : [];
  writeFileSync(path, `${JSON.stringify([...earlier, { ...before, ...measured }], undefined, 2)}\n`);
}

export function surroundings(): JsonObject {
  const git = (...args: readonly string[]): string => execFileSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" }).trim();
  return {
    commit: git("rev-parse", "--short", "HEAD"),
    uncommitted_changes: git("status", "--porcelain", "--", "../packages") !== "",
    date: new Date().toISOString(),
    node: process.version,
    cpu: cpus()[0]!.model,
    cores: availableParallelism(),
    load_average: rounded(loadavg()[0]!),
    fsync_p50_ms: rounded(fsyncMs()),
  };
}

/** What one fsync costs where the data folders are: durable figures mean little without it. */
function fsyncMs(): number {
  const folder = mkdtempSync(join(tmpdir(), "streamer-fsync-"));
  const file = openSync(join(folder, "f"), "w");
  const block = new Uint8Array(4_096);
  const samples = Array.from({ length: FSYNC_SAMPLES }, () => {
    writeSync(file, block);
    const started = performance.now();
    fsyncSync(file);
    return performance.now() - started;
  });
  rmSync(folder, { recursive: true });
  return percentiles(samples).p50;
}
