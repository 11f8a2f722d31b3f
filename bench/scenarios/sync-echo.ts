/** How many sync requests a second are answered? */
import { besideFloor, ratioOf } from "../beside-floor.ts";
import { passed } from "../clock.ts";
import { percentiles, rounded } from "../figures.ts";
import { assertPlanned, openCallers, type Caller } from "../load.ts";
import type { Scenario } from "../record.ts";
import type { BenchServer } from "../server.ts";

const SHAPES = [
  { connections: 1, inFlight: 1 },
  { connections: 50, inFlight: 20 },
];
const PAYLOAD = { text: "x".repeat(64) };

interface EchoLoad {
  readonly connections: number;
  readonly inFlight: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

async function measureEcho(server: BenchServer, { connections, inFlight, warmUpMs, measureMs }: EchoLoad) {
  const sentAt = new Map<string, number>();
  const latencies: number[] = [];
  let isMeasuring = false;
  let isSending = true;
  let count = 0;
  const send = (caller: Caller): void => {
    count += 1;
    const id = `${caller.index}-${count}`;
    sentAt.set(id, performance.now());
    caller.send({ type: "request", id, action: "echo", payload: PAYLOAD });
  };
  const callers = await openCallers(server, connections, (message, caller) => {
    assertPlanned(message);
    if (message.type !== "response") return;
    if (isMeasuring) latencies.push(performance.now() - sentAt.get(message.request_id)!);
    sentAt.delete(message.request_id);
    if (isSending) send(caller);
  });
  for (const caller of callers) for (let n = 0; n < inFlight; n += 1) send(caller);
  await passed(warmUpMs);
  await server.ask("reset");
  isMeasuring = true;
  const from = performance.now();
  await passed(measureMs);
  isMeasuring = false;
  const seconds = (performance.now() - from) / 1_000;
  const { cpuMs } = await server.ask("figures");
  isSending = false;
  for (const caller of callers) caller.close();
  const answered = latencies.length;
  return { perSecond: answered / seconds, cpuUsEach: (1_000 * cpuMs) / answered, ...percentiles(latencies) };
}

export const syncEcho: Scenario = {
  name: "sync-echo",
  question: "How many echo requests a second are answered at once?",
  async run(quick) {
    const { warmUpMs, measureMs } = quick ? { warmUpMs: 300, measureMs: 700 } : { warmUpMs: 2_000, measureMs: 6_000 };
    const rows = [];
    for (const { connections, inFlight } of SHAPES) {
      const both = await besideFloor((server) => measureEcho(server, { connections, inFlight, warmUpMs, measureMs }));
      const { perSecond, cpuUsEach, p50, p99 } = both.streamer;
      rows.push({
        connections,
        in_flight_each: inFlight,
        echoes_per_s: rounded(perSecond),
        rate_to_floor: ratioOf(both, (measured) => measured.perSecond),
        server_cpu_us_each: rounded(cpuUsEach),
        cpu_to_floor: ratioOf(both, (measured) => measured.cpuUsEach),
        p50_ms: rounded(p50),
        p99_ms: rounded(p99),
        p99_to_floor: ratioOf(both, (measured) => measured.p99),
      });
    }
    return { settings: { warm_up_ms: warmUpMs, measure_ms: measureMs, payload_bytes: JSON.stringify(PAYLOAD).length }, rows };
  },
};
