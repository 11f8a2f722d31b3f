/** What others notice: a short request again and again, and how long each takes. */
import { createAsker, quantile } from "@streamer/contract/torture";
import type { ServerProcess } from "../server/start.ts";
import type { Row } from "../suite.ts";
import { until } from "../deadline.ts";

const EVERY_MS = 20;

export interface Probes {
  /** Ends them; resolves with how long they took. */
  stop(): Promise<Row>;
}

export function startProbes(server: ServerProcess, signal: AbortSignal): Probes {
  const asker = createAsker(server);
  const times: number[] = [];
  const over = new AbortController();
  const end = AbortSignal.any([signal, over.signal]);
  const ended = until(end);
  const probing = (async () => {
    for (let n = 1; !end.aborted; n += 1) {
      const asked = asker.request({ type: "request", id: `probe-${n}`, action: "torture.short", payload: { n } });
      const ending = await Promise.race([asked, ended]);
      if (ending) times.push(ending.ms);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  })();
  return {
    async stop() {
      over.abort();
      await probing;
      asker.close();
      return { probes: times.length, p50_ms: Math.round(quantile(times, 0.5)), p99_ms: Math.round(quantile(times, 0.99)) };
    },
  };
}
