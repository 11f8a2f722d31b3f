/** A theme of attack as a suite that can be run: the server, the bystander beside it, and what must hold afterwards. */
import { join } from "node:path";
import type { Outcome, Suite, Terms } from "@streamer/torture";
import { startBystander, type Felt } from "./bystander.ts";
import { open } from "./connection.ts";
import { serve, type Inside } from "./serve.ts";
import type { Target } from "./target.ts";
import { pause, type Theme } from "./theme.ts";

export interface SuiteTerms {
  /** Attacked in place of a server that is started for each theme. */
  readonly remote?: Target;
  /** What a bystander's p99 may be in any case, in ms. Default 50. */
  readonly boundMs?: number;
}

/** Or so many times what it is while nobody attacks. */
const TIMES_IDLE = 3;
const IDLE_MS = 2_000;
/** More than this, MiB or descriptors, is not what differs from one moment to the next. */
const MEMORY_SLACK_MIB = 32;
const DESCRIPTOR_SLACK = 32;
/** By then what an attack took has to be given back. */
const GIVEN_BACK_WITHIN_MS = 45_000;
const LOOK_EVERY_MS = 100;

export function suiteOf(theme: Theme, { remote, boundMs = 50 }: SuiteTerms = {}): Suite {
  const { name, does, unit, counts, limitSeconds } = theme;
  const against = async (target: Target, terms: Terms): Promise<Outcome> => {
    const { random, count, signal, tell } = terms;
    const before = await held(target.inside);
    await using bystander = await startBystander(target);
    await pause(IDLE_MS);
    const idle = await bystander.report();
    const peak = watchMemory(target.inside);
    const { counted, broken } = await theme.attack({ target, random, count, signal, tell });
    const during = await bystander.report();
    const { peakMiB } = peak.stop();
    const after = await givenBack(target.inside, before);
    const most = Math.max(boundMs, TIMES_IDLE * idle.p99);
    return {
      figures: [{ ...counted, idle_p99: idle.p99, p50: during.p50, p99: during.p99, max: during.max, ...memory(before, peakMiB, after) }],
      broken: [
        ...broken,
        ...feltTooMuch(during, most),
        ...(target.inside && !target.inside.isAlive ? [`the server has ended: ${target.inside.log.slice(-500)}`] : []),
        ...(after ? kept(before!, after) : []),
        ...(await isServed(target)),
      ],
    };
  };
  return {
    name,
    fault: does,
    unit,
    counts,
    limitSeconds,
    ...(theme.smoke !== undefined && { smoke: theme.smoke }),
    async run(terms) {
      if (remote) return against(remote, terms);
      const args = theme.serveArgs ?? [];
      await using target = await serve({ dataFolder: join(terms.scratch, "data"), args, signal: terms.signal });
      return await against(target, terms);
    },
  };
}

interface Held {
  readonly memoryMiB: number;
  readonly descriptors: number;
}

async function held(inside: Inside | undefined): Promise<Held | undefined> {
  if (!inside?.isAlive) return undefined;
  const { heapBytes, externalBytes } = await inside.measure();
  return { memoryMiB: Math.round((heapBytes + externalBytes) / 1_048_576), descriptors: await inside.descriptors() };
}

const kept = (before: Held, after: Held): string[] => [
  ...(after.memoryMiB > before.memoryMiB + MEMORY_SLACK_MIB ? [`it holds ${after.memoryMiB} MiB, before it was ${before.memoryMiB}`] : []),
  ...(after.descriptors > before.descriptors + DESCRIPTOR_SLACK
    ? [`it has ${after.descriptors} open descriptors, before it was ${before.descriptors}`]
    : []),
];

/** What it holds once it has given back what it took, or at the latest moment for that. */
async function givenBack(inside: Inside | undefined, before: Held | undefined): Promise<Held | undefined> {
  if (!before) return undefined;
  const until = performance.now() + GIVEN_BACK_WITHIN_MS;
  for (;;) {
    const now = await held(inside);
    if (!now || kept(before, now).length === 0 || performance.now() > until) return now;
    await pause(1_000);
  }
}

function watchMemory(inside: Inside | undefined): { stop(): { readonly peakMiB: number } } {
  let peakMiB = 0;
  const look = async (): Promise<void> => {
    peakMiB = Math.max(peakMiB, (await inside?.memoryMiB()) ?? 0);
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return { peakMiB };
    },
  };
}

const memory = (before: Held | undefined, peakMiB: number, after: Held | undefined): Record<string, number> =>
  before && after ? { held_mib_before: before.memoryMiB, peak_rss_mib: peakMiB, held_mib_after: after.memoryMiB } : {};

function feltTooMuch({ p99, max, refused, isOpen }: Felt, most: number): string[] {
  return [
    ...(p99 > most ? [`a bystander's p99 is ${p99} ms (max ${max}), more than ${Math.round(most)}`] : []),
    ...(refused > 0 ? [`a bystander was refused ${refused} times`] : []),
    ...(isOpen ? [] : ["a bystander lost its connection"]),
  ];
}

/** Whoever comes now is let in and served. */
async function isServed(target: Target): Promise<string[]> {
  if (target.inside && !target.inside.isAlive) return [];
  const newcomer = await open(target, "stranger");
  const answer = await newcomer.ask({ type: "request", id: `newcomer-${performance.now()}`, action: "echo", payload: 1 });
  newcomer.close();
  return answer?.type === "response" || answer?.type === "complete"
    ? []
    : [`a newcomer is not served: ${JSON.stringify(newcomer.closed ?? answer)}`];
}
