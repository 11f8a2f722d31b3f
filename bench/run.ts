/** `npm run bench [-- scenario…] [--quick]`: runs scenarios one after another, so that none measures another. */
import { parseArgs } from "node:util";
import { record, surroundings, type Scenario } from "./record.ts";
import { asyncThroughput } from "./scenarios/async-throughput.ts";
import { awsRequests } from "./scenarios/aws-requests.ts";
import { clientStorm } from "./scenarios/client-storm.ts";
import { estimates } from "./scenarios/estimates.ts";
import { idleConnections } from "./scenarios/idle-connections.ts";
import { messagesPerJob } from "./scenarios/messages-per-job.ts";
import { modelFit } from "./scenarios/model-fit.ts";
import { modelQuality } from "./scenarios/model-quality.ts";
import { processData } from "./scenarios/process-data.ts";
import { progressPace } from "./scenarios/progress-pace.ts";
import { progressLatency } from "./scenarios/progress-latency.ts";
import { reportFiles } from "./scenarios/report-files.ts";
import { submitToAck } from "./scenarios/submit-to-ack.ts";
import { syncEcho } from "./scenarios/sync-echo.ts";

const scenarios: readonly Scenario[] = [
  submitToAck,
  asyncThroughput,
  syncEcho,
  progressLatency,
  progressPace,
  messagesPerJob,
  idleConnections,
  clientStorm,
  reportFiles,
  processData,
  modelFit,
  modelQuality,
  estimates,
  awsRequests,
];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { quick: { type: "boolean", default: false } } });
const unknown = positionals.filter((wanted) => !scenarios.some(({ name }) => name === wanted));
if (unknown.length > 0) {
  console.error(`There is no scenario "${unknown.join('", "')}"; there are ${scenarios.map(({ name }) => name).join(", ")}.`);
  process.exit(2);
}

for (const scenario of scenarios) {
  if (positionals.length > 0 && !positionals.includes(scenario.name)) continue;
  console.log(`\n${scenario.name}: ${scenario.question}`);
  const before = surroundings();
  const measured = await scenario.run(values.quick);
  console.table(measured.rows);
  // A run under the profiler is slower: it explains figures, it does not give any.
  if (!values.quick && !process.env.BENCH_CPU_PROF) record(scenario, before, measured);
}
