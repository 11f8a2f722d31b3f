/** How far off are learned estimates, and how soon do they follow a change? Of real work whose time depends on its input. */
import { once } from "node:events";
import { percentiles, rounded } from "../figures.ts";
import { assertPlanned, openPeers } from "../load.ts";
import type { Row, Scenario } from "../record.ts";
import { startBenchServer } from "../server.ts";

/** Characters of input, spread evenly over the sizes' logarithm: 4 KB to 256 KB. */
const SMALLEST = 4_096;
const DOUBLINGS = 6;

interface Phase {
  readonly name: string;
  readonly count: number;
  /** Times the work for an input of the same size. */
  readonly factor: number;
}
const PHASES: readonly Phase[] = [
  { name: "the first 50", count: 50, factor: 1 },
  { name: "the next 350", count: 350, factor: 1 },
  { name: "the first 50 after work has doubled", count: 50, factor: 2 },
  { name: "the next 350 after that", count: 350, factor: 2 },
];

interface Sample {
  readonly runMs: number;
  readonly estimatedMs: number | undefined;
  readonly p90Ms: number | undefined;
  /** What the median of the newest runs of any size would have said. */
  readonly bySizeless: number | undefined;
}

/** Newest runs that such a median looks at. */
const SIZELESS_RUNS = 64;

export const estimates: Scenario = {
  name: "estimates",
  question: "How far off is the estimate in an acknowledgment, and how many runs end within its 90th percentile?",
  async run(quick) {
    await using server = await startBenchServer();
    const answers = new EventTarget();
    let sample: Omit<Sample, "runMs"> & { runMs: number } = { runMs: 0, estimatedMs: undefined, p90Ms: undefined, bySizeless: undefined };
    const newest: number[] = [];
    const [peer] = await openPeers(server, 1, (message) => {
      assertPlanned(message);
      if (message.type === "acknowledgment") {
        const bySizeless = newest.length > 0 ? percentiles([...newest]).p50 : undefined;
        sample = { runMs: 0, estimatedMs: message.estimated_ms, p90Ms: message.eta?.p90_ms, bySizeless };
      }
      if (message.type !== "complete") return;
      sample.runMs = Math.max(1, message.metadata.run_ms);
      newest.push(sample.runMs);
      if (newest.length > SIZELESS_RUNS) newest.shift();
      answers.dispatchEvent(new Event("complete"));
    });
    let number = 0;
    const measure = async (factor: number): Promise<Sample> => {
      number += 1;
      // The golden ratio's multiples spread evenly, however many are taken.
      const size = Math.round(SMALLEST * 2 ** (DOUBLINGS * ((number * 0.618_033_988_75) % 1)));
      const completed = once(answers, "complete");
      peer!.send({
        type: "request",
        id: `e${number}`,
        action: "digest",
        payload: { text: "x".repeat(size), factor },
        options: { mode: "async" },
      });
      await completed;
      return sample;
    };
    const rows: Row[] = [];
    for (const { name, count, factor } of PHASES) {
      const samples: Sample[] = [];
      for (let n = 0; n < (quick ? Math.ceil(count / 5) : count); n += 1) samples.push(await measure(factor));
      rows.push({ runs: name, ...summary(samples) });
    }
    peer!.close();
    return { settings: { smallest: SMALLEST, doublings: DOUBLINGS }, rows };
  },
};

function summary(samples: readonly Sample[]): Row {
  const estimated = samples.flatMap(({ runMs, estimatedMs, p90Ms, bySizeless }) =>
    estimatedMs === undefined || p90Ms === undefined || bySizeless === undefined ? [] : [{ runMs, estimatedMs, p90Ms, bySizeless }],
  );
  const share = (count: number): number => rounded((100 * count) / estimated.length);
  const error = (of: "estimatedMs" | "bySizeless"): number =>
    rounded(100 * percentiles(estimated.map((sample) => Math.abs(sample[of] / sample.runMs - 1))).p50);
  return {
    requests: samples.length,
    estimated: estimated.length,
    run_p50_ms: percentiles(estimated.map(({ runMs }) => runMs)).p50,
    error_p50_percent: error("estimatedMs"),
    sizeless_error_p50_percent: error("bySizeless"),
    within_twice_percent: share(estimated.filter(({ runMs, estimatedMs }) => estimatedMs <= 2 * runMs && runMs <= 2 * estimatedMs).length),
    within_p90_percent: share(estimated.filter(({ runMs, p90Ms }) => runMs <= p90Ms).length),
  };
}
