/**
 * health: how the process that answers is doing, measured by that process: uptime, memory, event-loop delay. For people
 * and dashboards with a token; load balancers ask the server's own /healthz.
 */
import { defineHandler } from "@streamer/core";
import { monitorEventLoopDelay } from "node:perf_hooks";
import * as z from "zod";
import manifest from "../package.json" with { type: "json" };

/** The sampling timer's period: what the histogram records beyond it is delay. */
const RESOLUTION_MS = 10;
/** Delays are given for the time since the last answer that was at least this long before: old stalls fade. */
const WINDOW_MS = 60_000;
const NS_PER_MS = 1_000_000;

const healthOutput = z.object({
  status: z.literal("ok"),
  version: z.string(),
  node: z.string(),
  time: z.string().describe("ISO 8601, by the clock of the answering process."),
  uptime_ms: z.int(),
  memory: z.object({ rss_bytes: z.int(), heap_used_bytes: z.int(), heap_total_bytes: z.int(), external_bytes: z.int() }),
  event_loop: z
    .object({ window_ms: z.int(), delay_p50_ms: z.number(), delay_p99_ms: z.number(), delay_max_ms: z.number() })
    .describe("How late timers ran over the last window_ms: how long every socket of the process had to wait."),
});
export type Health = z.infer<typeof healthOutput>;

/** Measuring starts here: create it once, when the process starts. The measuring never keeps a process alive. */
export function createHealth() {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  let windowStart = performance.now();

  const beyondResolution = (ns: number): number => Math.max(0, Math.round((ns / NS_PER_MS - RESOLUTION_MS) * 100) / 100);

  function eventLoop(): Health["event_loop"] {
    const windowMs = performance.now() - windowStart;
    // An empty histogram answers 0 for percentiles and a sentinel for max.
    const measured = delays.count > 0;
    const figures = {
      window_ms: Math.round(windowMs),
      delay_p50_ms: beyondResolution(delays.percentile(50)),
      delay_p99_ms: beyondResolution(delays.percentile(99)),
      delay_max_ms: measured ? beyondResolution(delays.max) : 0,
    };
    if (windowMs >= WINDOW_MS) {
      delays.reset();
      windowStart = performance.now();
    }
    return figures;
  }

  return defineHandler({
    action: "health",
    description: "Uptime, memory and event-loop delay of the process that answers.",
    input: z.strictObject({}).optional(),
    output: healthOutput,
    estimate: 1,
    run: (): Health => {
      const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
      return {
        status: "ok",
        version: manifest.version,
        node: process.version,
        time: new Date().toISOString(),
        uptime_ms: Math.round(process.uptime() * 1_000),
        memory: { rss_bytes: rss, heap_used_bytes: heapUsed, heap_total_bytes: heapTotal, external_bytes: external },
        event_loop: eventLoop(),
      };
    },
  });
}
