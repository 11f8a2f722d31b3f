/** Prints what a scenario measured and appends it, with everything needed to compare it, to bench/results. */
import { fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "@streamer/protocol";
import { appendResult } from "../scripts/results.ts";
import { surroundings as measuredWith, type Surroundings } from "../scripts/surroundings.ts";
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

export interface Bench extends Surroundings {
  readonly load_average: number;
  readonly fsync_p50_ms: number;
}

/** `before` is what it was like before the scenario ran: its own load is not part of that. */
export function record({ name }: Scenario, before: Bench, measured: Measured): void {
  appendResult(join(RESULTS, `${name}.json`), { ...before, ...measured });
}

export function surroundings(): Bench {
  return {
    ...measuredWith(),
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
