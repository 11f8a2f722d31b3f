/**
 * The five stages and their share of the bar. Inside a stage, progress is what has been counted: bytes read, columns
 * described, rounds fitted, rows scored; nothing is guessed from time passed.
 */
import type { HandlerContext } from "@streamer/core";
import type { JsonObject } from "@streamer/protocol";

const STAGES = { ingest: [0, 20], preprocess: [20, 40], features: [40, 60], model: [60, 85], postprocess: [85, 100] } as const;
type Stage = keyof typeof STAGES;

/** `done` is the finished part, 0 to 1. */
export type Tell = (done: number, message: string, metadata?: JsonObject) => void;

export interface Progress {
  /** Starts a stage and hands back how to report on it. */
  stage(name: Stage): Tell;
  /** What each stage took so far, in ms. */
  timings(): Record<string, number>;
}

export function createProgress(ctx: Pick<HandlerContext, "report">): Progress {
  const startedAt = new Map<Stage, number>();
  return {
    stage(name) {
      startedAt.set(name, performance.now());
      const [from, to] = STAGES[name];
      let furthest = 0;
      return (done, message, metadata = {}) => {
        furthest = Math.max(furthest, Math.min(done, 1));
        ctx.report(from + (to - from) * furthest, message, { ...metadata, stage: name });
      };
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

const EVERY_MS = 250;

/** Says four times a second, until `work` ends, what is known of it. */
export async function whileWorking<T>(work: Promise<T>, look: () => Promise<void> | void): Promise<T> {
  const timer = setInterval(() => void look(), EVERY_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

const COUNT = new Intl.NumberFormat("en-US");
/** 1234567 as "1,234,567". */
export const count = (value: number): string => COUNT.format(value);
export const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toLocaleString("en-US", { maximumFractionDigits: 1 })} MB`;
