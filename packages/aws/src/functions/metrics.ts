/**
 * Metrics as CloudWatch reads them out of a log: one line in the embedded metric format for each invocation. Written to
 * stdout as it is, because the runtime's console puts more into the line than the format allows.
 */
import type { Requests } from "@streamer/core";

const UNITS = {
  Requests: "Count",
  Completed: "Count",
  Failed: "Count",
  Cancelled: "Count",
  Retried: "Count",
  Recovered: "Count",
  DeadLetters: "Count",
  Pushes: "Count",
  PushGone: "Count",
  PushThrottled: "Count",
  ReadUnits: "Count",
  WriteUnits: "Count",
  QueueMs: "Milliseconds",
  RunMs: "Milliseconds",
} as const;
type MetricName = keyof typeof UNITS;

/** Values of one metric that one line may carry (CloudWatch Logs, "Specification: Embedded metric format"). */
const MAX_VALUES = 100;

export interface Metrics {
  /** Counts, or notes a duration. */
  add(name: MetricName, value?: number): void;
  /** Writes what was added since, as one line; nothing when nothing was. */
  flush(timestamp: number): void;
}

export function createMetrics(functionName: string, write: (line: string) => void): Metrics {
  let counts = new Map<MetricName, number>();
  let durations = new Map<MetricName, number[]>();
  return {
    add: (name, value = 1) => {
      if (UNITS[name] === "Count") counts.set(name, (counts.get(name) ?? 0) + value);
      else {
        const values = durations.get(name) ?? [];
        durations.set(name, values);
        if (values.length < MAX_VALUES) values.push(value);
      }
    },
    flush: (timestamp) => {
      const values = { ...Object.fromEntries(counts), ...Object.fromEntries(durations) };
      const names = Object.keys(values) as MetricName[];
      if (names.length === 0) return;
      const directive = { Namespace: "Streamer", Dimensions: [[]], Metrics: names.map((Name) => ({ Name, Unit: UNITS[Name] })) };
      write(`${JSON.stringify({ _aws: { Timestamp: timestamp, CloudWatchMetrics: [directive] }, function: functionName, ...values })}\n`);
      counts = new Map();
      durations = new Map();
    },
  };
}

/** The verbs of requests, with what becomes of requests counted. */
export function metered<R extends Requests>(requests: R, metrics: Metrics): R {
  return {
    ...requests,
    submit: async (submission) => {
      const outcome = await requests.submit(submission);
      if (outcome.outcome === "created") metrics.add("Requests");
      return outcome;
    },
    claim: async (terms) => {
      const claims = await requests.claim(terms);
      for (const { queueMs } of claims) metrics.add("QueueMs", queueMs);
      return claims;
    },
    reschedule: async (lease, change) => {
      const written = await requests.reschedule(lease, change);
      if (written.outcome === "written") metrics.add("Retried");
      return written;
    },
    settle: async (lease, settlement) => {
      const written = await requests.settle(lease, settlement);
      if (written.outcome === "lost") return written;
      metrics.add(({ COMPLETED: "Completed", FAILED: "Failed", CANCELLED: "Cancelled" } as const)[settlement.status]);
      if (settlement.status === "FAILED") metrics.add("DeadLetters");
      metrics.add("RunMs", settlement.runMs);
      return written;
    },
    requestCancel: async (key, events) => {
      const outcome = await requests.requestCancel(key, events);
      if (outcome.outcome === "cancelled") metrics.add("Cancelled");
      return outcome;
    },
    recover: async (terms) => {
      const recoveries = await requests.recover(terms);
      for (const { outcome } of recoveries) metrics.add(outcome === "quarantined" ? "DeadLetters" : "Recovered");
      return recoveries;
    },
  };
}
