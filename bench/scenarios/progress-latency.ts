/** With 30 reports asked for at once, how old is progress when it reaches its subscriber, and what do others notice? */
import { measureLatency, PROBE_MS } from "../latency.ts";
import type { Row, Scenario } from "../record.ts";

const REPORTS = 30;
const YEAR = { start_date: "2024-01-01", end_date: "2024-12-31", report_type: "monthly", include_charts: true };
const EVERYTHING = { start_date: "2023-01-01", end_date: "2025-12-31", report_type: "custom", include_charts: true };
/**
 * Thirty on what a machine of two cores is given by default; all thirty at once, the worst that can be asked of the
 * sockets; and one of each format over a million order lines.
 */
const CASES = [
  { workers: 2, reports: REPORTS, shopRows: 200_000, payload: YEAR },
  { workers: REPORTS, reports: REPORTS, shopRows: 200_000, payload: YEAR },
  { workers: 2, reports: 3, shopRows: 1_000_000, payload: EVERYTHING },
];
const FORMATS = ["pdf", "csv", "excel"];

export const progressLatency: Scenario = {
  name: "progress-latency",
  question: `With ${REPORTS} generate_report at once, how long from ctx.report to the subscriber, and what do others notice?`,
  async run(quick) {
    const rows: Row[] = [];
    for (const one of CASES) rows.push(await measure(quick ? { ...one, reports: 3 } : one));
    return { settings: { formats: FORMATS.join(", "), probe_ms: PROBE_MS, batching: "default" }, rows };
  },
};

function measure({ workers, reports, shopRows, payload: asked }: (typeof CASES)[number]): Promise<Row> {
  const requests = Array.from({ length: reports }, (_, n) => ({
    action: "generate_report",
    payload: { ...asked, format: FORMATS[n % FORMATS.length]! },
  }));
  return measureLatency({ workers, reportRows: shopRows }, requests, { workers, shop_rows: shopRows, reports });
}
