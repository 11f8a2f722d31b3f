/**
 * When a batch of progress updates is sent: at once after 200 ms without a message, above 90 % after 150; else when it has
 * waited for 200 ms. What a run says last goes with its end. Pure: the caller owns time and the batch (flow/report/batch.ts).
 */
import { MAX_COALESCED_UPDATES } from "@streamer/protocol";

export interface BatchingOptions {
  /** A batch waits at most this long, in ms; the first update after as long without a message does not wait. Default 200. */
  readonly intervalMs: number;
  /** A batch that holds this many updates waits no longer; a message carries at most as many. Default 64, as many as may travel. */
  readonly maxUpdates: number;
  /** Above this percentage a batch waits for nothing but three quarters of `intervalMs` since the last message. Default 90. */
  readonly urgentAbove: number;
  /** Shortest time between two messages that are sent because they are full, in ms. Default 20. */
  readonly minIntervalMs: number;
}
export const DEFAULT_BATCHING: BatchingOptions = {
  intervalMs: 200,
  maxUpdates: MAX_COALESCED_UPDATES,
  urgentAbove: 90,
  minIntervalMs: 20,
};

export interface Batch {
  /** Updates waiting; 0 is an empty batch. */
  readonly count: number;
  /** Monotonic ms at which the oldest of them came. */
  readonly since: number;
  readonly percentage: number;
  readonly stageChanged: boolean;
}

/** A timer may come a little before its time: a batch is not kept for another one. */
const TIMER_MS = 1;

/** Ms until it is due; 0 is now. `sentAt`: when the last message was sent, monotonic ms; -Infinity before the first. */
export function dueInMs(batch: Batch, sentAt: number, options: BatchingOptions, now: number): number {
  if (batch.count === 0) return Infinity;
  if (batch.stageChanged) return 0;
  const ms = dueAt(batch, sentAt, options) - now;
  return ms < TIMER_MS ? 0 : ms;
}

function dueAt({ count, since, percentage }: Batch, sentAt: number, options: BatchingOptions): number {
  const { intervalMs, maxUpdates, urgentAbove, minIntervalMs } = options;
  if (percentage > urgentAbove) return sentAt + 0.75 * intervalMs;
  const afterWait = since - sentAt >= intervalMs ? since : since + intervalMs;
  return count >= maxUpdates ? Math.min(afterWait, sentAt + minIntervalMs) : afterWait;
}

/** A reported percentage as it may be sent: a number from 0 to 100 that never goes back within an attempt (P5). */
export function clampPercentage(reported: number, newest: number): number {
  if (typeof reported !== "number" || Number.isNaN(reported)) return newest;
  return Math.max(newest, Math.min(100, Math.max(0, reported)));
}
