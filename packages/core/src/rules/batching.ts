/**
 * When a batch of progress updates is sent. Every 200 ms, 5 updates at most, at once above 90 %.
 * Pure: the caller owns time and the batch (flow/report/batch.ts).
 */
export interface BatchingOptions {
  /** A batch waits at most this long, in ms. Default 200. */
  readonly intervalMs: number;
  /** A batch is sent once it holds this many updates, and carries at most this many. Default 5. */
  readonly maxUpdates: number;
  /** Crossing this percentage is sent at once, and what follows sooner than usual. Default 90. */
  readonly urgentAbove: number;
  /** Shortest time between two messages, but for those sent at once, in ms. Default 20. */
  readonly minIntervalMs: number;
}
export const DEFAULT_BATCHING: BatchingOptions = { intervalMs: 200, maxUpdates: 5, urgentAbove: 90, minIntervalMs: 20 };

export interface Batch {
  /** Updates waiting; 0 is an empty batch. */
  readonly count: number;
  /** Monotonic ms at which the oldest of them came. */
  readonly since: number;
  readonly percentage: number;
  readonly stageChanged: boolean;
}

export interface LastSent {
  readonly percentage: number;
  /** Monotonic ms; -Infinity before the first message. */
  readonly at: number;
}

/** Ms until the batch is due; 0 is now. */
export function dueInMs(batch: Batch, last: LastSent, options: BatchingOptions, now: number): number {
  if (batch.count === 0) return Infinity;
  const crossing = last.percentage <= options.urgentAbove && batch.percentage > options.urgentAbove;
  if (batch.stageChanged || crossing || batch.percentage >= 100) return 0;
  const spaced = Math.max(0, last.at + options.minIntervalMs - now);
  if (batch.percentage > options.urgentAbove || batch.count >= options.maxUpdates) return spaced;
  return Math.max(spaced, batch.since + options.intervalMs - now);
}

/** A reported percentage as it may be sent: a number from 0 to 100 that never goes back within an attempt (P5). */
export function clampPercentage(reported: number, newest: number): number {
  if (typeof reported !== "number" || Number.isNaN(reported)) return newest;
  return Math.max(newest, Math.min(100, Math.max(0, reported)));
}
