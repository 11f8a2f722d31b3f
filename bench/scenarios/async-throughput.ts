/** How many async jobs a second go the whole way: submitted, run, settled, delivered? */
import { measureAsync } from "../async-load.ts";
import { besideFloor, ratioOf } from "../beside-floor.ts";
import { percentiles, rounded } from "../figures.ts";
import type { Scenario } from "../record.ts";

const SHAPES = [
  { connections: 1, inFlight: 1 },
  { connections: 10, inFlight: 10 },
  { connections: 50, inFlight: 20 },
  { connections: 50, inFlight: 100 },
];

export const asyncThroughput: Scenario = {
  name: "async-throughput",
  question: "How many empty async jobs a second are submitted, run, settled and delivered?",
  async run(quick) {
    const times = quick ? { warmUpMs: 300, measureMs: 700 } : { warmUpMs: 2_000, measureMs: 8_000 };
    const rows = [];
    for (const { connections, inFlight } of SHAPES) {
      const both = await besideFloor((server) => measureAsync(server, { connections, pace: { inFlight }, ...times }));
      const { completes, perSecond, cpuUsPerJob } = both.streamer;
      const { p50, p99 } = percentiles(completes);
      rows.push({
        connections,
        in_flight_each: inFlight,
        jobs_per_s: rounded(perSecond),
        rate_to_floor: ratioOf(both, (measured) => measured.perSecond),
        server_cpu_us_per_job: rounded(cpuUsPerJob),
        cpu_to_floor: ratioOf(both, (measured) => measured.cpuUsPerJob),
        end_to_end_p50_ms: rounded(p50),
        end_to_end_p99_ms: rounded(p99),
        p99_to_floor: ratioOf(both, (measured) => percentiles(measured.completes).p99),
      });
    }
    return { settings: { ...times, inline_slots: 64 }, rows };
  },
};
