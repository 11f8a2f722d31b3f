/** What a server's process says of itself when server.ts asks. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Question, ServerFigures } from "./server.ts";

/** The sampling period: what the histogram records beyond it is delay. */
const RESOLUTION_MS = 5;

/** Says where the server is, and answers until it is told to stop. */
export function answerQuestions(where: { readonly url: string; readonly token: string }, stop: () => Promise<void>): void {
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
      void stop().then(() => process.exit());
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
  process.send!(where);
}
