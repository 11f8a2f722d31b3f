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
/** A window of rows takes about this long: the cancel of a prediction waits no longer than that of a fit. */
const WINDOW_MS = 10;
const FIRST_WINDOW_ROWS = 32;

export async function paced<T>(steps: Steps<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let turnAt = performance.now() + SLICE_MS;
  try {
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      if (performance.now() < turnAt) continue;
      await setImmediate();
      signal.throwIfAborted();
      turnAt = performance.now() + SLICE_MS;
    }
  } finally {
    // Of what was stopped, what it holds is given back.
    steps.return(undefined as T);
  }
}

export interface WindowedPrediction {
  readonly signal: AbortSignal;
  /** Share of the rows done, 0 to 1. */
  readonly tell?: (done: number) => void;
  /** Numbers a row in the answer: classCount for probabilities. Default 1. */
  readonly width?: number;
}

/**
 * Predicts a large matrix window by window: `predictPaced(x, (window) => model.predict(window), { signal })`. What a row
 * costs differs a thousandfold between models, so windows grow until they take long enough to be worth it.
 */
export async function predictPaced<T extends Float64Array | Int32Array>(
  x: Matrix,
  predict: (window: Matrix) => T,
  { signal, tell, width = 1 }: WindowedPrediction,
): Promise<T> {
  return paced(windows(x, predict, { width, tell: tell ?? (() => {}) }), signal);
}

function* windows<T extends Float64Array | Int32Array>(
  x: Matrix,
  predict: (window: Matrix) => T,
  { width, tell }: { readonly width: number; readonly tell: (done: number) => void },
): Steps<T> {
  let windowRows = Math.min(x.rowCount, FIRST_WINDOW_ROWS);
  const first = predict(rowWindow(x, 0, windowRows));
  const all = (first instanceof Int32Array ? new Int32Array(x.rowCount) : new Float64Array(x.rowCount * width)) as T;
  all.set(first, 0);
  for (let from = windowRows; from < x.rowCount;) {
    const to = Math.min(x.rowCount, from + windowRows);
    const startedAt = performance.now();
    all.set(predict(rowWindow(x, from, to)), from * width);
    const tookMs = performance.now() - startedAt;
    if (tookMs < WINDOW_MS / 2) windowRows *= 2;
    else if (tookMs > 2 * WINDOW_MS && windowRows > 1) windowRows >>= 1;
    from = to;
    tell(to / x.rowCount);
    yield;
  }
  return all;
}
