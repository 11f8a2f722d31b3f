/**
 * What does learning from a million rows take, in time and memory; how far is ingest from DuckDB's own load; and with 30
 * runs at once, how old is progress when it reaches its subscriber?
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createProcessData } from "@streamer/handlers";
import { rounded } from "../figures.ts";
import { measureLatency } from "../latency.ts";
import type { Measured, Row, Scenario } from "../record.ts";
import { writeRows } from "../row-data.ts";

/** What packages/handlers/test/report-child.ts prints. */
interface ProcessUse {
  readonly result?: { readonly rows: number; readonly metrics: Row; readonly timings: Readonly<Record<string, number>> };
  readonly error?: string;
  readonly updates: number;
  readonly wallMs: number;
  readonly stageCpuMs: Readonly<Record<string, number>>;
  readonly peakOverIdleMb: number;
}

const CHILD = join(import.meta.dirname, "../../packages/handlers/test/report-child.ts");
const RAW = join(import.meta.dirname, "../raw-load.ts");
const AT_ONCE = 30;
const LATENCY_ROWS = 200_000;

const run = async <T>(...args: readonly string[]): Promise<T> => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--disable-warning=ExperimentalWarning", ...args]);
  return JSON.parse(stdout) as T;
};

const LEARN = { pipeline: "classification", target: "bought", id_columns: ["id"], output: { format: "csv" } };
const CASES = {
  baseline: { ...LEARN, options: { model: "baseline", calibration: false } },
  logistic: { ...LEARN, options: { model: "logistic", calibration: false } },
  boosting: { ...LEARN, options: { model: "boosting", max_iterations: 100, calibration: false } },
  ridge: { ...LEARN, pipeline: "regression", target: "spent", options: { model: "ridge" } },
  kmeans: {
    pipeline: "clustering",
    features: ["age", "visits", "spent", "score"],
    id_columns: ["id"],
    output: { format: "csv" },
    options: { clusters: 5 },
  },
  isolation_forest: { pipeline: "anomaly", features: ["age", "visits", "spent", "score"], id_columns: ["id"], output: { format: "csv" } },
  pca: { pipeline: "transformation", id_columns: ["id"], output: { format: "parquet" }, options: { components: 3 } },
} as const;

interface Taken {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** The least of each: what other work on the machine added to a run is no property of it. */
const least = (taken: readonly Taken[]): Taken => ({
  wallMs: Math.min(...taken.map(({ wallMs }) => wallMs)),
  cpuMs: Math.min(...taken.map(({ cpuMs }) => cpuMs)),
});

async function measureRuns(folder: string, rows: number): Promise<Row[]> {
  const csv = await writeRows(folder, rows);
  const loads: Taken[] = [];
  const handler = createProcessData({ dataFolder: folder, channels: join(folder, "channels") });
  const learn = async (payload: object): Promise<ProcessUse & { readonly result: NonNullable<ProcessUse["result"]> }> => {
    const input = { ...payload, data_source: { type: "file", path: "rows.csv" } };
    const use = await run<ProcessUse>(
      CHILD,
      JSON.stringify({ isolate: handler.isolate, action: handler.action, input, blobsFolder: folder }),
    );
    if (!use.result) throw new Error(`A run over ${rows} rows failed: ${use.error}`);
    return { ...use, result: use.result };
  };
  const ingests: Taken[] = [];
  const measured: Row[] = [];
  for (const [model, payload] of Object.entries(CASES)) {
    loads.push(await run<Taken>(RAW, csv, join(folder, `raw-${model}.duckdb`)));
    const { result, wallMs, updates, stageCpuMs, peakOverIdleMb } = await learn(payload);
    const { timings } = result;
    ingests.push({ wallMs: timings.ingest_ms!, cpuMs: stageCpuMs.ingest! });
    measured.push({
      rows,
      model,
      total_ms: wallMs,
      ingest_ms: timings.ingest_ms!,
      preprocess_ms: timings.preprocess_ms!,
      model_ms: timings.model_ms!,
      postprocess_ms: timings.postprocess_ms!,
      updates,
      peak_mb: peakOverIdleMb,
    });
  }
  const [ingest, load] = [least(ingests), least(loads)];
  const alone = {
    rows,
    model: "(ingest alone)",
    ingest_ms: ingest.wallMs,
    duckdb_load_ms: load.wallMs,
    ingest_to_load: rounded(ingest.wallMs / load.wallMs),
    ingest_cpu_ms: ingest.cpuMs,
    duckdb_load_cpu_ms: load.cpuMs,
    ingest_to_load_cpu: rounded(ingest.cpuMs / load.cpuMs),
  };
  return [...measured, alone];
}

/** Lines of the sample shop, learned from as the guide's first example does. */
const LATENCY_PAYLOAD = {
  pipeline: "classification",
  data_source: {
    type: "query",
    query:
      "SELECT quantity, unit_price, unit_cost, order_date, category FROM order_lines JOIN products USING (product_key) WHERE order_date >= DATE '2025-07-01'",
  },
  target: "category",
  options: { model: "boosting", max_iterations: 20 },
};

export const processData: Scenario = {
  name: "process-data",
  question: `What does learning from a million rows take, how far is ingest from DuckDB's own load, and how old is progress with ${AT_ONCE} runs at once?`,
  async run(quick): Promise<Measured> {
    const folder = await mkdtemp(join(tmpdir(), "streamer-bench-process-"));
    try {
      const rows = await measureRuns(folder, quick ? 50_000 : 1_000_000);
      for (const workers of quick ? [2] : [2, AT_ONCE]) {
        const runs = quick ? 3 : AT_ONCE;
        const requests = Array.from({ length: runs }, () => ({ action: "process_data", payload: LATENCY_PAYLOAD }));
        rows.push(await measureLatency({ workers, reportRows: LATENCY_ROWS }, requests, { workers, runs, rows: LATENCY_ROWS }));
      }
      return { settings: { ingest_runs: Object.keys(CASES).length, taken: "minimum", duckdb_memory_mb: 512, duckdb_threads: 2 }, rows };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
