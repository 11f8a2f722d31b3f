/** The lines of the table: which figures of a scenario are told, and how. */
import type { ScenarioName } from "./peers.ts";

export interface Metric {
  readonly label: string;
  /** As the driver names it. */
  readonly figure: string;
  readonly digits: number;
  /** Absent: there is nothing to win, or it must be 0. */
  readonly better?: "more" | "less";
}

const CPU = { figure: "peerCpuUs", digits: 1, better: "less" } as const;
const SURROUNDINGS: readonly Metric[] = [
  { label: "driver, % of a core", figure: "driverPercent", digits: 0 },
  { label: "others, % of a core", figure: "othersPercent", digits: 0 },
];

export const METRICS: Readonly<Record<ScenarioName, readonly Metric[]>> = {
  S1: [
    { label: "requests/s", figure: "perSecond", digits: 0, better: "more" },
    { label: "CPU µs/request", ...CPU },
    { label: "p50 ms", figure: "p50Ms", digits: 2, better: "less" },
    { label: "p99 ms", figure: "p99Ms", digits: 2, better: "less" },
    ...SURROUNDINGS,
  ],
  S2: [
    { label: "jobs/s", figure: "perSecond", digits: 0, better: "more" },
    { label: "CPU µs/job", ...CPU },
    { label: "acknowledged p50 ms", figure: "ackP50Ms", digits: 1, better: "less" },
    { label: "acknowledged p99 ms", figure: "ackP99Ms", digits: 1, better: "less" },
    { label: "result p50 ms", figure: "resultP50Ms", digits: 1, better: "less" },
    { label: "result p99 ms", figure: "resultP99Ms", digits: 1, better: "less" },
    { label: "lost or twice", figure: "astray", digits: 0 },
    ...SURROUNDINGS,
  ],
  S3: [
    { label: "messages/job", figure: "messagesPerJob", digits: 1, better: "less" },
    { label: "bytes/job", figure: "bytesPerJob", digits: 0, better: "less" },
    { label: "CPU µs/update", ...CPU },
    { label: "age of an update p50 ms", figure: "p50Ms", digits: 2, better: "less" },
    { label: "age of an update p99 ms", figure: "p99Ms", digits: 1, better: "less" },
    { label: "all jobs, s (10 at best)", figure: "wallS", digits: 2, better: "less" },
    { label: "updates left out", figure: "leftOut", digits: 0 },
    { label: "updates out of order", figure: "disordered", digits: 0 },
    { label: "lost or twice", figure: "astray", digits: 0 },
    ...SURROUNDINGS,
  ],
  S4: [
    { label: "connects/s", figure: "connectsPerSecond", digits: 0, better: "more" },
    { label: "CPU µs/connect", figure: "connectCpuUs", digits: 0, better: "less" },
    { label: "KiB/connection", figure: "kibEach", digits: 1, better: "less" },
    { label: "broadcast p50 ms", figure: "broadcastP50Ms", digits: 0, better: "less" },
    { label: "broadcast p99 ms", figure: "broadcastP99Ms", digits: 0, better: "less" },
    { label: "CPU µs/message", ...CPU },
    { label: "missed", figure: "missed", digits: 0 },
    ...SURROUNDINGS,
  ],
  S6: [
    { label: "restart to ready, s", figure: "restartS", digits: 2, better: "less" },
    { label: "kill to last result, s", figure: "allDoneS", digits: 1, better: "less" },
    { label: "handlers begun (of 200)", figure: "starts", digits: 0 },
    { label: "ran to the end twice", figure: "ranTwice", digits: 0 },
    { label: "without a result", figure: "unfinished", digits: 0 },
    { label: "lost or twice", figure: "astray", digits: 0 },
  ],
};
