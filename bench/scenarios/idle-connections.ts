/** What does a connection that does nothing cost in memory? */
import { rounded } from "../figures.ts";
import { openPeers } from "../load.ts";
import type { Scenario } from "../record.ts";
import { startBenchServer } from "../server.ts";

const KIB = 1_024;

export const idleConnections: Scenario = {
  name: "idle-connections",
  question: "How much memory does an idle, authenticated connection hold in the server?",
  async run(quick) {
    const count = quick ? 200 : 5_000;
    await using server = await startBenchServer();
    // A first round leaves behind what is allocated once: code, pools, and heap pages that are used again.
    const warmUp = await openPeers(server, 200, () => {});
    for (const peer of warmUp) peer.close();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const before = await server.ask("reset");
    const peers = await openPeers(server, count, () => {});
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const after = await server.ask("figures");
    for (const peer of peers) peer.close();
    const perConnection = (from: number, to: number): number => rounded((to - from) / KIB / count);
    return {
      settings: { warm_up_connections: 200 },
      rows: [
        {
          connections: count,
          rss_kib_each: perConnection(before.rssBytes, after.rssBytes),
          heap_kib_each: perConnection(before.heapBytes, after.heapBytes),
        },
      ],
    };
  },
};
