/**
 * Says when the event loop was held, for how long and by which handler: while it is, no socket is read and no lease is
 * renewed. A thread watches a heartbeat of this loop; when it stops, the thread interrupts whatever runs here (through
 * the inspector, which opens no port) and asks what that is. Nothing is asked of a loop that turns.
 *
 *   beat ── beat ── (held) ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ beat: late by more than the bound, so it is logged
 *                       thread: no beat → look() runs within the held turn and remembers whose it is
 */
import { isMainThread, Worker } from "node:worker_threads";
import type { JsonValue } from "@streamer/protocol";
import type { Log } from "@streamer/core";
import { watchBeats } from "./held-loop-thread.ts";
import { currentRun, type InlineRun } from "./inline-runs.ts";

export interface HeldLoopTerms {
  readonly log: Log;
  /** Held for longer than this is worth a warning. Infinity: nothing is watched. */
  readonly boundMs: number;
}

/** What thread and loop share: `beats` counts the loop's heartbeats, `pausedMs` the time in which neither could run. */
export interface HeldLoopThread {
  readonly beats: Int32Array;
  readonly pausedMs: Int32Array;
  readonly everyMs: number;
  /** Name of the global function that the thread has called in the held loop. */
  readonly look: string;
}

interface Culprit {
  readonly run: InlineRun | undefined;
  readonly stack: readonly string[];
}

/** Heartbeats within the bound: the thread asks after two missing ones, so that a hold above the bound is always noticed before it ends. */
const BEATS_PER_BOUND = 4;
/** Of the culprit's stack, as many lines as tell the place. */
const STACK_LINES = 6;

let watchCount = 0;

/** Starts watching. Returns a function that stops it. */
export function watchHeldLoop({ log, boundMs }: HeldLoopTerms): () => Promise<void> {
  if (boundMs === Infinity) return async () => {};
  const everyMs = boundMs / BEATS_PER_BOUND;
  const beats = new Int32Array(new SharedArrayBuffer(4));
  const pausedMs = new Int32Array(new SharedArrayBuffer(4));
  watchCount += 1;
  const look = `streamer.held-loop.${watchCount}`;
  let culprit: Culprit | undefined;
  let lastBeatAt = performance.now();
  let untold = 0;

  const tell = (heldMs: number, held: Culprit | undefined): void => {
    untold -= 1;
    const run = held?.run;
    const fields = { held_ms: Math.round(heldMs), ...where(held) };
    if (Atomics.exchange(pausedMs, 0, 0) > heldMs / 2) log.warn(fields, "the whole process was paused, by a signal or by the machine");
    else if (run)
      run.log.warn(
        fields,
        `the event loop was blocked by "${run.action}"; set \`isolate\` to run a handler that computes in a worker process`,
      );
    else log.warn(fields, "the event loop was blocked by code that belongs to no handler, or by a native call");
  };

  const beat = (): void => {
    const now = performance.now();
    const heldMs = now - lastBeatAt - everyMs;
    lastBeatAt = now;
    Atomics.add(beats, 0, 1);
    const held = culprit;
    culprit = undefined;
    if (heldMs > boundMs) {
      untold += 1;
      // Later: after a pause of the whole process the thread has to notice it first.
      setTimeout(tell, 2 * everyMs, heldMs, held).unref();
    } else if (untold === 0) Atomics.store(pausedMs, 0, 0);
  };
  const timer = setInterval(beat, everyMs).unref();

  const global = globalThis as unknown as Record<string, ((beat: number, heldMs: number, again: boolean) => void) | undefined>;
  global[look] = (beatCount, heldMs, again) => {
    // Asked during a turn that is over.
    if (beatCount !== Atomics.load(beats, 0)) return;
    culprit ??= { run: currentRun(), stack: stackBelow() };
    if (again)
      (culprit.run?.log ?? log).error(
        { held_ms: heldMs, ...where(culprit) },
        "the event loop is still blocked: the server cannot answer anybody",
      );
  };
  // A server in a thread is not what the inspector would interrupt: it is told how long, not by whom.
  const thread = isMainThread
    ? new Worker(`(${watchBeats.toString()})()`, {
        eval: true,
        workerData: { beats, pausedMs, everyMs, look } satisfies HeldLoopThread,
        execArgv: ["--disable-warning=ExperimentalWarning"],
      })
    : undefined;
  thread?.unref();
  thread?.on("error", (err) => log.warn({ err }, "the event loop is no longer watched: what blocks it will not be named"));

  return async () => {
    clearInterval(timer);
    delete global[look];
    await thread?.terminate();
  };
}

function where(culprit: Culprit | undefined): { action?: string; request_id?: string; stack?: JsonValue } {
  if (!culprit) return {};
  const { run, stack } = culprit;
  return { ...(run && { action: run.action, request_id: run.id }), ...(stack.length > 0 && { stack: [...stack] }) };
}

/** The frames that were interrupted, innermost first; those of Node and of this question left out. */
function stackBelow(): readonly string[] {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 50;
  const lines = new Error("who").stack?.split("\n").slice(1) ?? [];
  Error.stackTraceLimit = stackTraceLimit;
  const places = lines.map((line) => line.trim()).filter((line) => line.includes("file:") && !line.includes(import.meta.url));
  return places.slice(0, STACK_LINES);
}
