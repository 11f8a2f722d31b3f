/**
 * Stages of a run and their share of the bar, by what each should cost: the bar is to say how much of the time is over.
 * Inside a stage, progress is what has been counted (bytes, rows, rounds); nothing is guessed from time passed.
 */
import type { HandlerContext } from "@streamer/core";
import type { JsonObject } from "@streamer/protocol";

/** `done` is the finished part, 0 to 1. */
export type Tell = (done: number, message: string, metadata?: JsonObject) => void;

/** What stages should take, in ms on a machine of two cores; only how they compare matters. */
export type Costs<Stage extends string> = Readonly<Record<Stage, number>>;

export interface Stages<Stage extends string> {
  /** Starts a stage and hands back how to report on it. */
  stage(name: Stage): Tell;
  /** More is known of what stages should cost: those that have not got anywhere yet share the rest of the bar by it. */
  expect(costs: Partial<Costs<Stage>>): void;
  /** What each stage took so far, in ms. */
  timings(): Record<string, number>;
}

/** Stages in the order of `costs`. */
export function createStages<Stage extends string>(ctx: Pick<HandlerContext, "report">, costs: Costs<Stage>): Stages<Stage> {
  const names = Object.keys(costs) as Stage[];
  const startedAt = new Map<Stage, number>();
  let known = costs;
  let furthest = 0;

  /** The end of a stage that begins now: the rest of the bar is shared with those that follow. */
  function endOf(name: Stage): number {
    const following = names.slice(names.indexOf(name));
    const total = following.reduce((sum, one) => sum + known[one], 0);
    return following.length === 1 || total === 0 ? 100 : furthest + (100 - furthest) * (known[name] / total);
  }

  return {
    stage(name) {
      startedAt.set(name, performance.now());
      const from = furthest;
      // Once it has got anywhere: what it finds at its beginning may tell what it and the others should cost.
      let to: number | undefined;
      return (done, message, metadata = {}) => {
        if (done > 0) furthest = Math.max(furthest, from + ((to ??= endOf(name)) - from) * Math.min(done, 1));
        ctx.report(furthest, message, { ...metadata, stage: name });
      };
    },
    expect(more) {
      known = { ...known, ...more };
    },
    timings() {
      const starts = [...startedAt];
      const ends = [...starts.slice(1).map(([, at]) => at), performance.now()];
      return Object.fromEntries(starts.map(([name, at], index) => [`${name}_ms`, Math.round((ends[index] ?? at) - at)]));
    },
  };
}

/** The part of a stage from `from` to `to`, as a bar of its own. */
export function part(tell: Tell, from: number, to: number): Tell {
  return (done, message, metadata) => tell(from + (to - from) * Math.min(Math.max(done, 0), 1), message, metadata);
}

/** A bar of its own for each of several steps, as long as what it should cost is of all. */
export function partsByCost(tell: Tell, costs: readonly number[]): readonly Tell[] {
  const total = costs.reduce((sum, cost) => sum + cost, 0) || 1;
  let before = 0;
  return costs.map((cost) => {
    const from = before / total;
    before += cost;
    return part(tell, from, before / total);
  });
}

const COUNT = new Intl.NumberFormat("en-US");
/** 1234567 as "1,234,567". */
export const count = (value: number): string => COUNT.format(value);
/** 1234567 as "1.2 MB". */
export const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toLocaleString("en-US", { maximumFractionDigits: 1 })} MB`;
