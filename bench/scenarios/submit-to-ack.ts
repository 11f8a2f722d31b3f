/** How long is it from sending an async request to holding its durable acknowledgment? */
import { measureAsync, type AsyncLoad } from "../async-load.ts";
import { besideFloor, ratioOf } from "../beside-floor.ts";
import { percentiles, rounded } from "../figures.ts";
import type { Scenario } from "../record.ts";

const CONNECTIONS = 50;
const PACES: readonly AsyncLoad["pace"][] = [{ perSecond: 100 }, { perSecond: 1_000 }, { perSecond: 4_000 }, { inFlight: 20 }];

export const submitToAck: Scenario = {
  name: "submit-to-ack",
  question: "How long from sending an async request to its acknowledgment, fsync included?",
  async run(quick) {
    const times = quick ? { warmUpMs: 300, measureMs: 700 } : { warmUpMs: 2_000, measureMs: 8_000 };
    const rows = [];
    for (const pace of PACES) {
      const both = await besideFloor((server) => measureAsync(server, { connections: CONNECTIONS, pace, ...times }));
      const { acks, perSecond, loopP99Ms } = both.streamer;
      const { p50, p99, max } = percentiles(acks);
      rows.push({
        load: "inFlight" in pace ? `saturated, ${CONNECTIONS}×${pace.inFlight} in flight` : `${pace.perSecond}/s`,
        acks: acks.length,
        ack_p50_ms: rounded(p50),
        p50_to_floor: ratioOf(both, (measured) => percentiles(measured.acks).p50),
        ack_p99_ms: rounded(p99),
        p99_to_floor: ratioOf(both, (measured) => percentiles(measured.acks).p99),
        ack_max_ms: rounded(max),
        jobs_per_s: rounded(perSecond),
        loop_p99_ms: rounded(loopP99Ms),
      });
    }
    return { settings: { connections: CONNECTIONS, ...times }, rows };
  },
};
