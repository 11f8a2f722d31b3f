/** How many sync requests a second are answered? */
import { percentiles, rounded } from "../figures.ts";
import { assertPlanned, openPeers, type Peer } from "../load.ts";
import type { Scenario } from "../record.ts";
import { startBenchServer } from "../server.ts";

const SHAPES = [
  { connections: 1, inFlight: 1 },
  { connections: 50, inFlight: 20 },
];
const PAYLOAD = { text: "x".repeat(64) };

export const syncEcho: Scenario = {
  name: "sync-echo",
  question: "How many echo requests a second are answered at once?",
  async run(quick) {
    const { warmUpMs, measureMs } = quick ? { warmUpMs: 300, measureMs: 700 } : { warmUpMs: 2_000, measureMs: 6_000 };
    const rows = [];
    for (const { connections, inFlight } of SHAPES) {
      await using server = await startBenchServer();
      const sentAt = new Map<string, number>();
      const latencies: number[] = [];
      let isMeasuring = false;
      let isSending = true;
      let count = 0;
      const send = (peer: Peer): void => {
        count += 1;
        const id = `${peer.index}-${count}`;
        sentAt.set(id, performance.now());
        peer.send({ type: "request", id, action: "echo", payload: PAYLOAD });
      };
      const peers = await openPeers(server, connections, (message, peer) => {
        assertPlanned(message);
        if (message.type !== "response") return;
        if (isMeasuring) latencies.push(performance.now() - sentAt.get(message.request_id)!);
        sentAt.delete(message.request_id);
        if (isSending) send(peer);
      });
      for (const peer of peers) for (let n = 0; n < inFlight; n += 1) send(peer);
      await new Promise((resolve) => setTimeout(resolve, warmUpMs));
      await server.ask("reset");
      isMeasuring = true;
      const from = performance.now();
      await new Promise((resolve) => setTimeout(resolve, measureMs));
      isMeasuring = false;
      const seconds = (performance.now() - from) / 1_000;
      const { cpuMs } = await server.ask("figures");
      isSending = false;
      for (const peer of peers) peer.close();
      const answered = latencies.length;
      const { p50, p99 } = percentiles(latencies);
      rows.push({
        connections,
        in_flight_each: inFlight,
        echoes_per_s: rounded(answered / seconds),
        p50_ms: rounded(p50),
        p99_ms: rounded(p99),
        server_cpu_us_each: rounded((1_000 * cpuMs) / answered),
      });
    }
    return { settings: { warm_up_ms: warmUpMs, measure_ms: measureMs, payload_bytes: JSON.stringify(PAYLOAD).length }, rows };
  },
};
