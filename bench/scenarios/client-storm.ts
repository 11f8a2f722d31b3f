/** What happens when the network drops five hundred clients at once? */
import { connect, type Client } from "@streamer/client";
import { startChaosProxy } from "@streamer/contract/chaos-proxy";
import { besideFloor, ratioOf } from "../beside-floor.ts";
import { percentiles, rounded } from "../figures.ts";
import type { Row, Scenario } from "../record.ts";
import type { BenchServer } from "../server.ts";

/** Follows one request each, as a page would. */
async function openClients(url: string, token: string, count: number): Promise<readonly Client[]> {
  const clients = Array.from({ length: count }, (): Client => connect(url, { token }));
  await Promise.all(clients.map((client) => client.request("noop", {}, { mode: "async", delayMs: 3_600_000 }).accepted));
  return clients;
}

/** Resolves with the ms until this client, which is open, has lost its connection and is open again. */
function comeback(client: Client, since: () => number): Promise<number> {
  return new Promise((resolve) => {
    const stop = client.onState(({ status }) => {
      if (status !== "open") return;
      stop();
      resolve(performance.now() - since());
    });
  });
}

async function measureStorm(server: BenchServer, count: number, rounds: number) {
  await using proxy = await startChaosProxy({ target: { port: Number(new URL(server.url).port) }, seed: 1 });
  proxy.calm();
  const clients = await openClients(`ws://127.0.0.1:${proxy.port}`, server.token, count);
  const times: number[] = [];
  let loopMaxMs = 0;
  let cpuMs = 0;
  for (let round = 0; round < rounds; round += 1) {
    await server.ask("reset");
    let cutAt = 0;
    const back = clients.map((client) => comeback(client, () => cutAt));
    cutAt = performance.now();
    proxy.cutAll();
    times.push(...(await Promise.all(back)));
    const figures = await server.ask("figures");
    loopMaxMs = Math.max(loopMaxMs, figures.loopMaxMs);
    cpuMs += figures.cpuMs;
  }
  await Promise.all(clients.map((client) => client.close()));
  return { ...percentiles(times), cpuUsEach: (1_000 * cpuMs) / (rounds * count), loopMaxMs };
}

export const clientStorm: Scenario = {
  name: "client-storm",
  question: "When the network drops every client at once, how long until all are back and up to date?",
  async run(quick) {
    const rounds = quick ? 1 : 5;
    const rows: Row[] = [];
    for (const count of quick ? [50] : [100, 500, 2_000]) {
      const both = await besideFloor((server) => measureStorm(server, count, rounds));
      const { p50, p99, max, cpuUsEach, loopMaxMs } = both.streamer;
      rows.push({
        clients: count,
        back_p50_ms: rounded(p50),
        back_p99_ms: rounded(p99),
        p99_to_floor: ratioOf(both, (measured) => measured.p99),
        back_max_ms: rounded(max),
        server_cpu_us_each: rounded(cpuUsEach),
        cpu_to_floor: ratioOf(both, (measured) => measured.cpuUsEach),
        loop_max_ms: rounded(loopMaxMs),
      });
    }
    return { settings: { rounds, reconnect: "the client's defaults: up to 250 ms, doubled per failure" }, rows };
  },
};
