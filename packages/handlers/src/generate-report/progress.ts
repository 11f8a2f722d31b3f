/**
 * The four stages and their share of the bar. Inside a stage, progress is what has been counted: sources read, tables
 * computed, rows written; nothing is guessed from time passed.
 */
import { stat } from "node:fs/promises";
import type { HandlerContext } from "@streamer/core";
import type { JsonObject } from "@streamer/protocol";

const STAGES = { query: [0, 30], process: [30, 60], generate: [60, 90], finalize: [90, 100] } as const;
type Stage = keyof typeof STAGES;

export interface StageProgress {
  /** `done` is the finished part of the stage, 0 to 1. */
  (done: number, message: string, metadata?: JsonObject): void;
}

export interface Progress {
  /** Starts a stage and hands back how to report on it. */
  stage(name: Stage): StageProgress;
  /** What each stage took so far, in ms. */
  timings(): Record<string, number>;
}

export function createProgress(ctx: Pick<HandlerContext, "report" | "signal">): Progress {
  const startedAt = new Map<Stage, number>();
  return {
    stage(name) {
      startedAt.set(name, performance.now());
      const [from, to] = STAGES[name];
      return (done, message, metadata = {}) => {
        ctx.report(from + (to - from) * Math.min(Math.max(done, 0), 1), message, { ...metadata, stage: name });
      };
    },
    timings() {
      const starts = [...startedAt];
      const ends = [...starts.slice(1).map(([, at]) => at), performance.now()];
      return Object.fromEntries(starts.map(([name, at], index) => [`${name}_ms`, Math.round((ends[index] ?? at) - at)]));
    },
  };
}

/**
 * Says four times a second, until `work` ends, how large the file is that it writes: of one long statement no more is
 * known (DuckDB's own count of rows stood at a third of them when it was done).
 */
export async function whileWritten<T>(work: Promise<T>, path: string, tell: (bytes: number) => void): Promise<T> {
  let working = true;
  const timer = setInterval(() => {
    void stat(path).then(
      ({ size }) => working && tell(size),
      () => undefined, // not there yet
    );
  }, 250);
  try {
    return await work;
  } finally {
    working = false;
    clearInterval(timer);
  }
}

const COUNT = new Intl.NumberFormat("en-US");
/** 1234567 as "1,234,567". */
export const count = (value: number): string => COUNT.format(value);
export const megabytes = (bytes: number): string => `${count(Math.round(bytes / 1_000_000))} MB`;
