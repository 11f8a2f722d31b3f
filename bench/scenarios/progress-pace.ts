/**
 * Does a bar track time? Twenty real jobs, one after another on one server: where the bar stands at half the time of
 * each, and how often what was left lay within what was told of nine in ten.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { connect, type Client } from "@streamer/client";
import type { JsonObject } from "@streamer/protocol";
import { rounded } from "../figures.ts";
import type { Row, Scenario } from "../record.ts";
import { writeRows } from "../row-data.ts";
import { startBenchServer } from "../server.ts";

/** Beside the shop, whose own files are what an estimate of a report counts. */
const FOLDER = "people";

interface Job {
  readonly name: string;
  readonly action: string;
  readonly payload: JsonObject;
}

const learn = (name: string, rows: number, payload: JsonObject): Job => ({
  name: `${name}, ${rows.toLocaleString("en-US")} rows`,
  action: "process_data",
  payload: { data_source: { type: "file", path: `${FOLDER}/rows-${rows}.csv` }, id_columns: ["id"], ...payload },
});
const buys = (options: JsonObject = {}): JsonObject => ({ pipeline: "classification", target: "bought", options });
const spends = (options: JsonObject = {}): JsonObject => ({ pipeline: "regression", target: "spent", options });
const without = (pipeline: string, options: JsonObject = {}): JsonObject => ({
  pipeline,
  features: ["age", "visits", "spent", "score"],
  options,
});
const report = (name: string, payload: JsonObject): Job => ({
  name,
  action: "generate_report",
  payload: { start_date: "2023-01-01", end_date: "2025-12-31", report_type: "custom", ...payload },
});

const SHOP_ROWS = 1_000_000;
const SIZES = [5_000, 20_000, 100_000, 300_000];
const JOBS: readonly Job[] = [
  learn("classification", 5_000, buys()),
  learn("classification", 100_000, buys()),
  learn("boosting", 300_000, buys({ model: "boosting" })),
  learn("forest", 20_000, buys({ model: "forest" })),
  learn("logistic", 300_000, buys({ model: "logistic" })),
  learn("classification in 5 folds", 20_000, buys({ folds: 5 })),
  learn("regression", 20_000, spends()),
  learn("regression", 100_000, spends()),
  learn("ridge", 300_000, spends({ model: "ridge" })),
  learn("regression in 5 folds", 5_000, spends({ folds: 5 })),
  learn("clustering", 20_000, without("clustering")),
  learn("clustering", 100_000, without("clustering")),
  learn("5 clusters", 300_000, without("clustering", { clusters: 5 })),
  learn("anomalies", 20_000, without("anomaly")),
  learn("anomalies", 100_000, without("anomaly")),
  learn("transformation", 300_000, without("transformation")),
  report("PDF of a million lines", { format: "pdf" }),
  report("Excel of a million lines", { format: "excel" }),
  report("CSV of a million lines", { format: "csv" }),
  report("PDF of a quarter", { format: "pdf", start_date: "2025-01-01", end_date: "2025-03-31", report_type: "quarterly" }),
];

/** What one message told, in ms since the run began. */
interface Told {
  readonly at: number;
  readonly percentage: number;
  readonly p90Ms: number | undefined;
}

export const progressPace: Scenario = {
  name: "progress-pace",
  question: "Where does the bar stand at half the time of a job, and how often does the truth lie within the told p90?",
  async run(quick) {
    const jobs = quick ? JOBS.filter((_, n) => n % 5 === 0) : JOBS;
    await using server = await startBenchServer({ workers: 1, reportRows: quick ? 50_000 : SHOP_ROWS });
    const folder = join(server.shop, FOLDER);
    await mkdir(folder);
    for (const rows of SIZES) await writeRows(folder, rows, `rows-${rows}.csv`);
    const client = connect(server.url, { token: server.token });
    const rows: Row[] = [];
    for (const round of quick ? [1] : [1, 2]) {
      const paces: Pace[] = [];
      for (const job of jobs) {
        const pace = await paceOf(client, job);
        paces.push(pace);
        rows.push(rowOf(round, job.name, pace));
      }
      rows.push(summaryOf(round, paces));
    }
    await client.close();
    return { settings: { shop_rows: SHOP_ROWS, sizes: SIZES, jobs: jobs.length }, rows };
  },
};

interface Pace {
  readonly runMs: number;
  readonly told: readonly Told[];
  readonly atHalf: number;
  readonly within: number;
}

/** Every tenth of the time is one sample: a stage that talks much counts no more than one that is silent. */
const SAMPLES = 10;

async function paceOf(client: Client, { action, payload }: Job): Promise<Pace> {
  const run = client.request(action, payload, { mode: "async" });
  const told: Told[] = [];
  let begun: number | undefined;
  for await (const { percentage, eta } of run.progress) {
    begun ??= performance.now();
    told.push({ at: performance.now() - begun, percentage, p90Ms: eta?.p90Ms });
  }
  await run.result;
  const runMs = performance.now() - (begun ?? 0);
  const at = (ms: number): Told | undefined => told.findLast((one) => one.at <= ms);
  const samples = Array.from({ length: SAMPLES - 1 }, (_, n) => (runMs * (n + 1)) / SAMPLES);
  const within = samples.filter((ms) => {
    const newest = at(ms);
    return newest?.p90Ms !== undefined && runMs <= newest.at + newest.p90Ms;
  }).length;
  return { runMs, told, atHalf: at(runMs / 2)?.percentage ?? 0, within: within / samples.length };
}

const rowOf = (round: number, job: string, { runMs, told, atHalf, within }: Pace): Row => ({
  round,
  job,
  run_ms: Math.round(runMs),
  messages: told.length,
  percentage_at_half: rounded(atHalf),
  within_p90_percent: rounded(100 * within),
});

function summaryOf(round: number, paces: readonly Pace[]): Row {
  const near = paces.filter(({ atHalf }) => atHalf >= 40 && atHalf <= 60).length;
  return {
    round,
    job: `(all ${paces.length})`,
    near_half_percent: rounded((100 * near) / paces.length),
    within_p90_percent: rounded((100 * paces.reduce((sum, { within }) => sum + within, 0)) / paces.length),
  };
}
