/**
 * How large may a report be, and what does its file cost? Each report runs in a process of its own, started fresh, as
 * the engine runs it; the yardstick is DuckDB's own COPY of the same rows in the same order.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createGenerateReport, writeSampleShop } from "@streamer/handlers";
import type { Measured, Row, Scenario } from "../record.ts";
import { rounded } from "../figures.ts";

/** What packages/handlers/test/report-child.ts prints. */
interface ReportUse {
  readonly result?: {
    readonly records: number;
    readonly size_bytes: number;
    readonly stats: { readonly timings: Readonly<Record<string, number>> };
  };
  readonly error?: string;
  readonly wallMs: number;
  readonly stageCpuMs: Readonly<Record<string, number>>;
  readonly peakOverIdleMb: number;
}

const CHILD = join(import.meta.dirname, "../../packages/handlers/test/report-child.ts");
const RAW = join(import.meta.dirname, "../raw-copy.ts");
/** The median of this many: one run in three meets something else on the machine. */
const RUNS = 3;

const run = async <T>(...args: readonly string[]): Promise<T> => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--disable-warning=ExperimentalWarning", ...args]);
  return JSON.parse(stdout) as T;
};

async function median<T>(measure: () => Promise<T>, by: (one: T) => number): Promise<T> {
  const all: T[] = [];
  for (let index = 0; index < RUNS; index += 1) all.push(await measure());
  return all.sort((a, b) => by(a) - by(b))[Math.floor(RUNS / 2)]!;
}

async function measureReports(folder: string, rows: number): Promise<Row[]> {
  const shop = join(folder, `shop-${rows}`);
  await writeSampleShop(shop, { rows });
  const raw = await median(
    () => run<{ wallMs: number }>(RAW, shop, join(folder, "raw.csv")),
    ({ wallMs }) => wallMs,
  );
  const handler = createGenerateReport({ dataFolder: shop });
  const measured: Row[] = [];
  for (const format of ["csv", "excel", "pdf"] as const) {
    const input = { start_date: "2023-01-01", end_date: "2025-12-31", report_type: "custom", format };
    const job = JSON.stringify({ isolate: handler.isolate, action: handler.action, input, blobsFolder: folder });
    const { result, error, wallMs, stageCpuMs, peakOverIdleMb } = await median(
      () => run<ReportUse>(CHILD, job),
      (use) => use.wallMs,
    );
    if (!result) throw new Error(`The ${format} report of ${rows} rows failed: ${error}`);
    const { timings } = result.stats;
    measured.push({
      rows,
      format,
      total_ms: wallMs,
      query_ms: timings.query_ms ?? 0,
      process_ms: timings.process_ms ?? 0,
      write_ms: timings.generate_ms ?? 0,
      write_cpu_ms: stageCpuMs.generate ?? 0,
      file_mb: rounded(result.size_bytes / 1_000_000),
      peak_mb: peakOverIdleMb,
      raw_copy_ms: raw.wallMs,
      write_to_raw: format === "csv" ? rounded((timings.generate_ms ?? 0) / raw.wallMs) : "",
      total_to_raw: format === "csv" ? rounded(wallMs / raw.wallMs) : "",
    });
  }
  return measured;
}

export const reportFiles: Scenario = {
  name: "report-files",
  question: "What do reports of a million rows and of five million take, in time and memory, and how far is CSV from DuckDB's own COPY?",
  async run(quick): Promise<Measured> {
    const folder = await mkdtemp(join(tmpdir(), "streamer-bench-report-"));
    try {
      const rows: Row[] = [];
      for (const size of quick ? [100_000] : [1_000_000, 5_000_000]) rows.push(...(await measureReports(folder, size)));
      return {
        settings: { runs: RUNS, taken: "median", duckdb_memory_mb: 128, duckdb_threads: 2, pdf_detail_rows: 2_000, pdf_charts: 4 },
        rows,
      };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
