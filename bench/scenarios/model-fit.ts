/**
 * How fast do the models of process_data fit and predict, beside scikit-learn on one thread on the same matrices? Each
 * model runs in a process of its own; the two sides take turns, so that whatever else the machine does meets both.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { rounded } from "../figures.ts";
import { writeMadeSet, writeRealSets, type WrittenSet } from "../model-data.ts";
import type { Measured, Row, Scenario } from "../record.ts";

interface ModelTimes {
  readonly fit_ms: readonly number[];
  readonly fit_cpu_ms: readonly number[];
  readonly predict_ms: readonly number[];
  readonly peak_mb: number;
}

const CHILD = join(import.meta.dirname, "../model-fit-child.ts");
const YARDSTICK = join(import.meta.dirname, "../model-fit.py");
/** Debian's, which has Debian's python3-sklearn. */
const PYTHON = "/usr/bin/python3";
const RUNS = 3;
/** Forests above this many rows, and the made rows, run once: they take long enough to need no minimum. */
const ONE_RUN_ABOVE_ROWS = 20_000;
const MADE_ROWS = 1_000_000;

async function times(command: string, ...args: readonly string[]): Promise<ModelTimes> {
  // A core type chosen for another machine would slow its linear algebra down.
  const { OPENBLAS_CORETYPE: _type, OPENBLAS_L2_SIZE: _size, ...env } = process.env;
  const { stdout } = await promisify(execFile)(command, args, { env });
  return JSON.parse(stdout) as ModelTimes;
}

async function compare({ name, folder, rows, features }: WrittenSet, model: string, runs: number): Promise<Row> {
  const ours = await times(process.execPath, "--disable-warning=ExperimentalWarning", CHILD, folder, model, String(runs));
  const theirs = await times(PYTHON, YARDSTICK, folder, model, String(runs));
  const least = (all: readonly number[]): number => Math.min(...all);
  return {
    data: name,
    rows,
    features,
    model,
    cold_fit_ms: rounded(ours.fit_ms[0]!),
    fit_ms: rounded(least(ours.fit_ms)),
    sklearn_fit_ms: rounded(least(theirs.fit_ms)),
    fit_ratio: rounded(least(ours.fit_ms) / least(theirs.fit_ms)),
    fit_cpu_ratio: rounded(least(ours.fit_cpu_ms) / least(theirs.fit_cpu_ms)),
    predict_ms: rounded(least(ours.predict_ms)),
    sklearn_predict_ms: rounded(least(theirs.predict_ms)),
    predict_ratio: rounded(least(ours.predict_ms) / least(theirs.predict_ms)),
    peak_mb: rounded(ours.peak_mb),
    sklearn_peak_mb: rounded(theirs.peak_mb),
  };
}

export const modelFit: Scenario = {
  name: "model-fit",
  question: "How fast do the models of process_data fit and predict, beside scikit-learn on one thread on the same matrices?",
  async run(quick): Promise<Measured> {
    const root = await mkdtemp(join(tmpdir(), "streamer-bench-models-"));
    try {
      const rows: Row[] = [];
      for (const set of await writeRealSets(root)) {
        for (const model of set.models) {
          const isLong = model === "forest" && set.rows > ONE_RUN_ABOVE_ROWS;
          rows.push(await compare(set, model, quick || isLong ? 1 : RUNS));
        }
      }
      const made = writeMadeSet(root, quick ? 20_000 : MADE_ROWS);
      for (const model of made.models) rows.push(await compare(made, model, 1));
      return { settings: { runs: RUNS, made_runs: 1, taken: "minimum", sklearn: "1.2.1, one thread" }, rows };
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  },
};
