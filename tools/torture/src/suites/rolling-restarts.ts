/** The server is stopped gracefully and started again, many times, under clients that go on asking. */
import { connect } from "@streamer/client";
import { quantile } from "@streamer/contract/torture";
import { fixedPort, startProcess } from "../server/start.ts";
import { chainOf } from "../server/work.ts";
import type { Suite } from "../suite.ts";

const CLIENTS = 8;
/** Answered between two restarts: the load is real each time. */
const BETWEEN = 40;

export const rollingRestarts: Suite = {
  name: "rolling-restarts",
  fault: "the server is told to stop and started again under load (P13)",
  unit: "restarts",
  counts: { ci: 5, release: 50 },
  smoke: 1,
  limitSeconds: { ci: 120, release: 600 },
  async run({ count, random, scratch, signal, tell }) {
    const port = await fixedPort(random);
    let server = await startProcess({ dataFolder: scratch, port });
    const { url, token } = server;
    const clients = Array.from({ length: CLIENTS }, () => connect(url, { token, reconnect: { baseMs: 20, capMs: 500 } }));
    const broken: string[] = [];
    const times: number[] = [];
    let isOver = false;
    let asked = 0;

    async function askOn(client: (typeof clients)[number]): Promise<void> {
      while (!isOver && !signal.aborted) {
        const n = (asked += 1);
        const isShort = n % 2 === 0;
        const from = performance.now();
        const run = client.request(isShort ? "torture.short" : "torture.chain", { n }, isShort ? {} : { mode: "async" });
        try {
          const { digest } = (await run.result) as { readonly digest: string };
          if (digest !== chainOf(n).at(-1)) broken.push(`${run.id} (n ${n}) was given the result of another: ${digest}`);
        } catch (error) {
          broken.push(`${run.id} (n ${n}) failed at the client: ${String(error)}`);
        }
        times.push(performance.now() - from);
      }
    }
    async function untilAnswered(more: number): Promise<void> {
      const goal = times.length + more;
      while (times.length < goal && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
    }

    const loads = clients.map(askOn);
    let restarts = 0;
    for (; restarts < count && !signal.aborted; restarts += 1) {
      await untilAnswered(BETWEEN);
      await server.stop();
      server = await startProcess({ dataFolder: scratch, port });
      if (restarts % 10 === 9) tell(`${restarts + 1} restarts, ${times.length} answers`);
    }
    await untilAnswered(BETWEEN);
    isOver = true;
    if (signal.aborted) await Promise.all(clients.map((client) => client.close()));
    await Promise.all(loads);
    await Promise.all(clients.map((client) => client.close()));
    await server.stop();
    const ms = (share: number): number => Math.round(quantile(times, share));
    return { figures: [{ restarts, requests: asked, failed: broken.length, p50_ms: ms(0.5), p99_ms: ms(0.99) }], broken };
  },
};
