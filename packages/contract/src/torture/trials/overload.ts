/** Three times of what the server can do, offered for a while whether it keeps up or not: what still gets done, and what the rest are told. */
import { setTimeout as pass } from "node:timers/promises";
import type { Ending } from "../asker.ts";
import { ask, median, openAsker, settled, tally, within, type TrialOutcome, type TrialTarget, type TrialTerms } from "./trial.ts";

const TIMES = 3;
const GOODPUT = 0.9;
const TICK_MS = 20;
/** Capacity and overload are measured in turn so often; the median of their ratios counts. */
const PARTS = 3;
const DRAIN_MS = 120_000;
/** Less is a matter of luck. */
const MIN_SECONDS = 2;

export interface OverloadTerms extends TrialTerms {
  /** Of overload, in all. */
  readonly seconds: number;
  /** Connections that ask. Default 16. */
  readonly clients?: number;
  /** Requests under way while capacity is measured. Default 32. */
  readonly underWay?: number;
  /** The server is known to refuse what is over its capacity. Else it may as well queue it. Default false. */
  readonly mustRefuse?: boolean;
  /** Requests a second, whatever the capacity. Default 2,000. */
  readonly atMost?: number;
}

export async function overload(target: TrialTarget, terms: OverloadTerms): Promise<TrialOutcome> {
  const { seconds, clients = 16, underWay = 32, mustRefuse = false, atMost = 2_000, random, signal, tell } = terms;
  const askers = await Promise.all(Array.from({ length: clients }, () => openAsker(target, "torture-load", { random })));
  await settled(
    askers.map(({ ready }) => ready),
    within(signal, 30_000),
  );
  const endings: Promise<Ending>[] = [];
  const askOne = (n: number): Promise<Ending> => {
    const ending = askers[n % askers.length]!.request(ask(target));
    endings.push(ending);
    return ending;
  };

  const wait = (): ReturnType<typeof settled<Ending>> => settled(endings, within(signal, DRAIN_MS));
  const partSeconds = Math.max(MIN_SECONDS, seconds / PARTS);
  const measureSeconds = Math.max(MIN_SECONDS, partSeconds / 2);
  const capacities = [await capacity(measureSeconds, underWay, askOne, signal)];
  const shares: number[] = [];
  let offered = 0;
  for (let part = 0; part < PARTS && !signal.aborted; part += 1) {
    const before = capacities.at(-1)!;
    const rate = Math.min(TIMES * before, atMost);
    tell(`capacity ${before.toFixed(1)} requests a second; offering ${rate.toFixed(1)} for ${partSeconds.toFixed(1)} s`);
    const { done, asked } = await offer(rate, partSeconds, askOne, signal);
    await wait();
    const after = await capacity(measureSeconds, underWay, askOne, signal);
    offered += asked;
    capacities.push(after);
    // What else runs on the machine counts on both sides: capacity is what it was before and after.
    shares.push(done / partSeconds / ((before + after) / 2));
  }
  const all = await wait();
  for (const asker of askers) asker.close();

  const { row, broken } = tally("overload", target, { askers, endings: all });
  const refusals = all.filter((ending) => ending?.how === "refused");
  const goodput = median(shares);
  return {
    rows: [
      {
        ...row,
        capacity: Math.round(median(capacities) * 10) / 10,
        offered,
        goodput: Math.round(1_000 * goodput) / 1_000,
      },
    ],
    broken: [
      ...broken,
      ...refusals.flatMap((ending) => wrongRefusal(ending!)),
      ...(goodput < GOODPUT ? [`overload: goodput is ${goodput.toFixed(2)} of capacity; ${GOODPUT} is promised`] : []),
      ...(mustRefuse && refusals.length === 0 ? ["overload: nothing was refused: it was no overload"] : []),
    ],
  };
}

type Ask = (n: number) => Promise<Ending>;

/** Ends a second with so many requests under way at all times. */
async function capacity(seconds: number, underWay: number, askOne: Ask, signal: AbortSignal): Promise<number> {
  const until = performance.now() + 1_000 * seconds;
  const from = performance.now();
  let done = 0;
  const lane = async (n: number): Promise<void> => {
    while (performance.now() < until && !signal.aborted) {
      const [ending] = await settled([askOne(n)], signal);
      if (ending && ending.how !== "refused" && performance.now() < until) done += 1;
    }
  };
  await Promise.all(Array.from({ length: underWay }, (_, n) => lane(n)));
  return done / ((until - from) / 1_000);
}

/** Arrivals by the clock, whatever has ended: an open loop. */
async function offer(
  rate: number,
  seconds: number,
  askOne: Ask,
  signal: AbortSignal,
): Promise<{ readonly done: number; readonly asked: number }> {
  const from = performance.now();
  const passed = (): number => (performance.now() - from) / 1_000;
  let asked = 0;
  let done = 0;
  const count = async (ending: Promise<Ending>): Promise<void> => {
    const { how } = await ending;
    if (how !== "refused" && passed() < seconds) done += 1;
  };
  while (passed() < seconds && !signal.aborted) {
    for (const due = Math.floor(passed() * rate); asked < due; asked += 1) void count(askOne(asked));
    await pass(TICK_MS);
  }
  return { done, asked };
}

function wrongRefusal({ message }: Ending): readonly string[] {
  if (message.type !== "error") return [];
  const { code, retry } = message.error;
  return code === "RATE_LIMITED" && retry?.after_ms !== undefined
    ? []
    : [`overload: ${message.request_id} was refused with ${code}${retry?.after_ms === undefined ? " without after_ms" : ""}`];
}
