/**
 * Long computations that stay polite. A fit is a generator that yields between bounded pieces of work; one loop drives
 * it, gives the event loop a turn every SLICE_MS, so that progress leaves and a cancellation is heard, and stops with the
 * signal's reason. Yielding is cheap (the clock is read, nothing more), so pieces may be small.
 */
import { setImmediate } from "node:timers/promises";
import { rowWindow, type Matrix } from "./matrix.ts";

/** Work in pieces; the value returned is the result. */
export type Steps<T> = Generator<void, T, void>;

/** Long enough that turns cost nothing, short enough that a cancel or another timer waits unnoticed. */
const SLICE_MS = 20;
/** Rows predicted between two looks at the clock: well under a slice for every model but neighbour search. */
const WINDOW_ROWS = 4_096;

export async function paced<T>(steps: Steps<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let turnAt = performance.now() + SLICE_MS;
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() < turnAt) continue;
    await setImmediate();
    signal.throwIfAborted();
    turnAt = performance.now() + SLICE_MS;
  }
}

export interface WindowedPrediction {
  readonly signal: AbortSignal;
  /** Share of the rows done, 0 to 1. */
  readonly tell?: (done: number) => void;
  /** Numbers a row in the answer: classCount for probabilities. Default 1. */
  readonly width?: number;
  readonly windowRows?: number;
}

/** Predicts a large matrix window by window: `predictPaced(x, (window) => model.predict(window), { signal })`. */
export async function predictPaced<T extends Float64Array | Int32Array>(
  x: Matrix,
  predict: (window: Matrix) => T,
  { signal, tell, width = 1, windowRows = WINDOW_ROWS }: WindowedPrediction,
): Promise<T> {
  if (x.rowCount <= windowRows) return predict(x);
  const parts = function* (): Steps<T> {
    let all: T | undefined;
    for (let from = 0; from < x.rowCount; from += windowRows) {
      const to = Math.min(x.rowCount, from + windowRows);
      const part = predict(rowWindow(x, from, to));
      all ??= (part instanceof Int32Array ? new Int32Array(x.rowCount) : new Float64Array(x.rowCount * width)) as T;
      all.set(part, from * width);
      tell?.(to / x.rowCount);
      yield;
    }
    return all as T;
  };
  return paced(parts(), signal);
}
