/** The server under test, in a process of its own: started by server.ts, asked over IPC for its own figures. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { join } from "node:path";
import { createLog, startServer } from "@streamer/embedded";
import { createBulkOperation, echo } from "@streamer/handlers";
import { burst, chatty, digest, noop, roundsBySize, roundsDeclared } from "./handlers.ts";
import { learn } from "./process-handler.ts";
import { report } from "./report-handler.ts";
import type { Question, ServerFigures, ServerSettings } from "./server.ts";

/** The sampling period: what the histogram records beyond it is delay. */
const RESOLUTION_MS = 5;

const { dataFolder, workers } = JSON.parse(process.argv[2]!) as ServerSettings;
const shop = process.env.BENCH_SHOP;
const server = await startServer({
  handlers: [
    echo,
    noop,
    chatty,
    burst,
    digest,
    roundsBySize,
    roundsDeclared,
    report,
    learn,
    createBulkOperation({ folder: join(dataFolder, "bulk") }),
  ],
  dataFolder,
  workers: { slots: workers, ...(shop && { env: { BENCH_SHOP: shop } }) },
  log: createLog("error"),
  // The generator is one client doing the work of many: limits per client would measure themselves.
  options: {
    admission: {
      messagesPerSecond: 1_000_000,
      bytesPerSecond: 1e12,
      inFlightPerConnection: 1_000_000,
      queuedPerTenant: 100_000,
      storedBytesPerUser: Infinity,
      storedBytesPerTenant: Infinity,
    },
  },
  connectionLimits: { perUser: 20_000, perTenant: 20_000, perAddress: 20_000 },
});
const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delays.enable();
let cpuBefore = process.cpuUsage();

function figures(): ServerFigures {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage(cpuBefore);
  const delayMs = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS);
  return {
    rssBytes: rss,
    heapBytes: heapUsed + external,
    cpuMs: (user + system) / 1_000,
    loopP99Ms: delayMs(delays.percentile(99)),
    loopMaxMs: delays.count > 0 ? delayMs(delays.max) : 0,
  };
}

process.on("message", (question: Question) => {
  if (question === "stop") {
    void server.stop().then(() => process.exit());
    return;
  }
  // Figures first: collecting garbage for them is not a delay of the period they end.
  const answer = figures();
  if (question === "reset") {
    delays.reset();
    cpuBefore = process.cpuUsage();
  }
  process.send!(answer);
});
process.on("disconnect", () => process.exit());
process.send!({ url: server.url, token: await server.developmentToken({ userId: "bench", tenantId: "bench" }) });
