/** Runs that wait for rows nobody sends: whoever needs a worker meanwhile gets one. */
import { open } from "../connection.ts";
import { pause, type Theme } from "../theme.ts";

const HOUR_MS = 3_600_000;
const REPORT_WITHIN_MS = 60_000;

export const waitingRuns: Theme = {
  name: "waiting-runs",
  does: "runs that wait for input which never comes, more of them than there are workers",
  unit: "runs",
  counts: { ci: 6, release: 60 },
  smoke: 4,
  serveArgs: ["--workers", "2"],
  limitSeconds: { ci: 180, release: 300 },
  async attack({ target, count }) {
    const connection = await open(target, "attacker");
    for (let at = 0; at < count; at += 1) {
      const config = { idle_timeout_ms: HOUR_MS };
      const payload = { pipeline: "clustering", data_source: { type: "stream", stream_id: `never-${at}`, config } };
      connection.send({ type: "request", id: `waits-${at}`, action: "process_data", payload });
    }
    await pause(4_000);
    const stranger = await open(target, "stranger");
    const since = performance.now();
    const payload = { start_date: "2025-01-01", end_date: "2025-01-31", format: "csv" };
    const answer = await stranger.ask({ type: "request", id: "report", action: "generate_report", payload }, REPORT_WITHIN_MS);
    const reportMs = Math.round(performance.now() - since);
    for (let at = 0; at < count; at += 1) connection.send({ type: "cancel", request_id: `waits-${at}` });
    await pause(2_000);
    connection.close();
    stranger.close();
    return {
      counted: { waiting: count, report_ms: reportMs },
      broken:
        answer?.type === "complete"
          ? []
          : [`a stranger's report beside ${count} waiting runs, after ${reportMs} ms: ${JSON.stringify(answer)}`],
    };
  },
};
