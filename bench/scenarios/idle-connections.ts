/** What does a connection that does nothing cost in memory? */
import { besideFloor, ratioOf } from "../beside-floor.ts";
import { passed } from "../clock.ts";
import { rounded } from "../figures.ts";
import { openCallers } from "../load.ts";
import type { Scenario } from "../record.ts";
import type { BenchServer } from "../server.ts";

const KIB = 1_024;
const WARM_UP = 200;
const SETTLE_MS = 1_000;

async function measureIdle(server: BenchServer, count: number) {
  // A first round leaves behind what is allocated once: code, pools, and heap pages that are used again.
  for (const caller of await openCallers(server, WARM_UP, () => {})) caller.close();
  await passed(SETTLE_MS);
  const before = await server.ask("reset");
  const callers = await openCallers(server, count, () => {});
  await passed(SETTLE_MS);
  const after = await server.ask("figures");
  for (const caller of callers) caller.close();
  const kibEach = (from: number, to: number): number => (to - from) / KIB / count;
  return { rss: kibEach(before.rssBytes, after.rssBytes), heap: kibEach(before.heapBytes, after.heapBytes) };
}

export const idleConnections: Scenario = {
  name: "idle-connections",
  question: "How much memory does an idle, authenticated connection hold in the server?",
  async run(quick) {
    const count = quick ? 200 : 5_000;
    const both = await besideFloor((server) => measureIdle(server, count));
    return {
      settings: { warm_up_connections: WARM_UP },
      rows: [
        {
          connections: count,
          rss_kib_each: rounded(both.streamer.rss),
          rss_to_floor: ratioOf(both, (measured) => measured.rss),
          heap_kib_each: rounded(both.streamer.heap),
          heap_to_floor: ratioOf(both, (measured) => measured.heap),
        },
      ],
    };
  },
};
