/** How far off are learned estimates, and how soon do they follow a change? Of real work whose time its input's size decides, or its input alone. */
import { once } from "node:events";
import type { JsonValue } from "@streamer/protocol";
import { percentiles, rounded } from "../figures.ts";
import { assertPlanned, openCallers } from "../load.ts";
import type { Row, Scenario } from "../record.ts";
import { startBenchServer, type BenchServer } from "../server.ts";

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

/** Rounds of work, spread evenly over their logarithm: some ms to some hundred, all in payloads of one size. */
const FEWEST_ROUNDS = 32;
const ROUND_DOUBLINGS = 5;
/** The same jobs, one after another: what learning by size alone tells of them, and learning how far a guess is off. */
const BY_INPUT = ["rounds_by_size", "rounds_declared"] as const;
const BY_INPUT_PHASES = [
  { name: "the first 50", count: 50 },
  { name: "the next 150", count: 150 },
] as const;

interface Sample {
  readonly runMs: number;
  readonly estimatedMs: number | undefined;
  readonly p90Ms: number | undefined;
  /** What the median of the newest runs of any size would have said. */
  readonly bySizeless: number | undefined;
}

/** Newest runs that such a median looks at. */
const SIZELESS_RUNS = 64;

/** The golden ratio's multiples spread evenly, however many are taken. */
const spread = (number: number, least: number, doublings: number): number =>
  Math.round(least * 2 ** (doublings * ((number * 0.618_033_988_75) % 1)));

export const estimates: Scenario = {
  name: "estimates",
  question: "How far off is the estimate in an acknowledgment, and how many runs end within its 90th percentile?",
  async run(quick) {
    await using server = await startBenchServer();
    const asker = await openAsker(server);
    const few = (count: number): number => (quick ? Math.ceil(count / 5) : count);
    const rows: Row[] = [];
    let number = 0;
    for (const { name, count, factor } of PHASES) {
      const samples: Sample[] = [];
      for (let n = 0; n < few(count); n += 1) {
        number += 1;
        samples.push(await asker.measure("digest", { text: "x".repeat(spread(number, SMALLEST, DOUBLINGS)), factor }));
      }
      rows.push({ action: "digest", runs: name, ...summary(samples) });
    }
    for (const { name, count } of BY_INPUT_PHASES) {
      const samples: Record<(typeof BY_INPUT)[number], Sample[]> = { rounds_by_size: [], rounds_declared: [] };
      for (let n = 0; n < few(count); n += 1) {
        number += 1;
        const payload = { rounds: spread(number, FEWEST_ROUNDS, ROUND_DOUBLINGS) };
        for (const action of BY_INPUT) samples[action].push(await asker.measure(action, payload));
      }
      for (const action of BY_INPUT) rows.push({ action, runs: name, ...summary(samples[action]) });
    }
    const published = await asker.calibrations();
    asker.close();
    const settings = { smallest: SMALLEST, doublings: DOUBLINGS, fewest_rounds: FEWEST_ROUNDS, round_doublings: ROUND_DOUBLINGS };
    return { settings: { ...settings, ...published }, rows };
  },
};

/** One job at a time: what was told of it, and how long it took. */
async function openAsker(server: BenchServer) {
  const answers = new EventTarget();
  const newest = new Map<string, number[]>();
  let sample: Omit<Sample, "runMs"> & { runMs: number } = { runMs: 0, estimatedMs: undefined, p90Ms: undefined, bySizeless: undefined };
  let asked = "";
  let published: Record<string, number> = {};
  const [caller] = await openCallers(server, 1, (message) => {
    assertPlanned(message);
    const ran = newest.get(asked) ?? [];
    if (message.type === "acknowledgment") {
      const bySizeless = ran.length > 0 ? percentiles([...ran]).p50 : undefined;
      sample = { runMs: 0, estimatedMs: message.estimated_ms, p90Ms: message.eta?.p90_ms, bySizeless };
    }
    if (message.type === "actions") {
      published = Object.fromEntries(
        message.items.flatMap(({ action, calibration }) =>
          calibration ? [[`published_within_p90_of_${action}`, calibration.within_p90]] : [],
        ),
      );
      answers.dispatchEvent(new Event("actions"));
    }
    if (message.type !== "complete") return;
    sample.runMs = Math.max(1, message.metadata.run_ms);
    newest.set(asked, [...ran, sample.runMs].slice(-SIZELESS_RUNS));
    answers.dispatchEvent(new Event("complete"));
  });
  let number = 0;
  return {
    async measure(action: string, payload: JsonValue): Promise<Sample> {
      number += 1;
      asked = action;
      const completed = once(answers, "complete");
      caller!.send({ type: "request", id: `e${number}`, action, payload, options: { mode: "async" } });
      await completed;
      return sample;
    },
    async calibrations(): Promise<Readonly<Record<string, number>>> {
      const told = once(answers, "actions");
      caller!.send({ type: "actions" });
      await told;
      return published;
    },
    close: () => caller!.close(),
  };
}

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
