/**
 * Claims runnable requests into free slots, runs them under their lease, and settles, reschedules or hands back each
 * (P2, P3, P9). One ticker serves all runs: it renews leases, ends those over their timeout, and gives up on those that
 * were told to stop and did not.
 */
import type { JsonValue } from "@streamer/protocol";
import { asError, Stopped, type StopReason } from "../errors.ts";
import type { AnyHandler } from "../handler.ts";
import type { StreamerOptions } from "../options.ts";
import type { Engine } from "../ports/engine.ts";
import type { Frame } from "../ports/events.ts";
import type { Claim, EventBody, Lease, RequestKey, Written } from "../ports/requests.ts";
import { cancelledError, decide, type Decision, type Ending } from "../rules/outcome.ts";
import { assertStorable } from "../rules/progress.ts";
import { DEFAULT_RETRY } from "../rules/retry.ts";
import type { Launched } from "./launch.ts";
import type { BegunRun } from "./learn.ts";

/** How often the ticker looks at timeouts and leases. */
const TICK_MS = 250;

/** A run under its lease. */
export interface LeasedRun extends Launched {
  readonly claim: Claim;
  readonly handler: AnyHandler;
}

export interface ProcessParts {
  readonly engine: Pick<Engine, "requests" | "wakeups" | "clock" | "log">;
  readonly options: StreamerOptions;
  readonly publish: (key: RequestKey, frames: readonly Frame[]) => Promise<void>;
  readonly publishLast: (key: RequestKey, frames: readonly Frame[]) => Promise<void>;
  /** A run from beginning to end took so long. */
  readonly completed: (run: BegunRun, runMs: number) => void;
  readonly random: () => number;
}

export interface Process {
  /** Takes over a run that has a lease: resolves when it is settled, rescheduled or handed back. */
  adopt(run: LeasedRun): Promise<void>;
  /** Tells a run of this process that cancellation was asked for; false when it is not here. */
  cancel(key: RequestKey): boolean;
  /** Tells every run to stop, then gives up on those that do not within `graceMs`. */
  stopAll(graceMs: number): Promise<void>;
  /** Tells every run to stop so that another process goes on with it: see Streamer.handBack. */
  handBack(graceMs: number, requireCheckpoint: boolean): Promise<void>;
  /** Resolves when no run is left. */
  idle(): Promise<void>;
  readonly running: number;
}

interface Tracked extends LeasedRun {
  readonly deadlineAt: number;
  /** When this process has no more time for it. */
  readonly lifeEndsAt: number;
  giveUpAt: number;
  readonly giveUp: () => void;
  readonly settled: Promise<void>;
}

export function createProcess({ engine, options, publish, publishLast, completed, random }: ProcessParts): Process {
  const { requests, wakeups, clock, log } = engine;
  const running = new Map<RequestKey, Tracked>();
  let ticking = false;

  function tick(): void {
    const now = clock.monotonic();
    for (const run of running.values()) {
      run.reporter.renew(options.renewMs);
      if (now >= run.deadlineAt) stop(run, "timed_out");
      else if (now >= run.lifeEndsAt) stop(run, handsOver(run, true));
      if (run.controller.signal.aborted && run.giveUpAt === Infinity) run.giveUpAt = now + options.cancelGraceMs;
      if (now >= run.giveUpAt) run.giveUp();
    }
    ticking = running.size > 0;
    if (ticking) clock.after(TICK_MS, tick);
  }

  function stop(run: Tracked, reason: StopReason, graceMs: number = options.cancelGraceMs): void {
    run.giveUpAt = Math.min(run.giveUpAt, clock.monotonic() + graceMs);
    if (run.controller.signal.aborted) return;
    run.controller.abort(new Stopped(reason));
    if (reason === "cancelled") run.reporter.emit({ type: "cancellation", stage: "observed" });
  }

  /** Begun anew without a checkpoint, a run longer than its process would never end. */
  function handsOver({ reporter }: Tracked, requireCheckpoint: boolean): StopReason {
    return reporter.hasCheckpointed || !requireCheckpoint ? "shutting_down" : "out_of_time";
  }

  async function carryOut(run: LeasedRun, decision: Decision, runMs: number): Promise<void> {
    const { claim, reporter } = run;
    const { lease, requestId } = claim;
    const unsent = await reporter.close(decision.kind === "complete");
    const settle = (status: "COMPLETED" | "FAILED" | "CANCELLED", ...events: readonly EventBody[]) =>
      requests.settle(lease, { status, runMs, events: [...unsent, ...events] });
    const write = async (): Promise<Written> => {
      switch (decision.kind) {
        case "complete": {
          const { result } = decision;
          if (claim.checkpoint === undefined) completed(run.begun, runMs);
          const late: readonly EventBody[] = run.controller.signal.aborted ? [{ type: "cancellation", stage: "too_late" }] : [];
          const metadata = { attempts: lease.attempt, queue_ms: Math.round(claim.queueMs), run_ms: Math.round(runMs) };
          return settle("COMPLETED", ...late, { type: "complete", ...(result !== undefined && { result: result as JsonValue }), metadata });
        }
        case "fail":
          return settle("FAILED", { type: "error", error: decision.error });
        case "cancel":
          return settle("CANCELLED", { type: "cancellation", stage: "stopped" }, { type: "error", error: cancelledError });
        case "retry": {
          const runAt = clock.now() + decision.afterMs;
          const events: readonly EventBody[] = [
            ...unsent,
            { type: "retrying", attempt: lease.attempt, retry_at: Math.ceil(runAt), error: decision.error },
          ];
          const written = await requests.reschedule(lease, { runAt, events });
          if (written.outcome === "written") await wakeups.at(runAt, lease.key);
          return written;
        }
        case "release":
          if (unsent.length > 0) await publishAdvance(lease, unsent);
          return requests.release(lease, { crashed: decision.crashed });
        case "drop":
          return { outcome: "lost" };
      }
    };
    const written = await write();
    if (written.outcome === "lost") {
      log.warn({ request_id: requestId, attempt: lease.attempt }, "the lease was lost; whoever holds it now goes on");
      return;
    }
    const goesOn = decision.kind === "retry" || decision.kind === "release";
    await (goesOn ? publish : publishLast)(lease.key, written.frames);
  }

  async function publishAdvance(lease: Lease, events: readonly EventBody[]): Promise<void> {
    const advanced = await requests.advance(lease, { events, leaseMs: options.leaseMs });
    if (advanced.outcome === "advanced") await publish(lease.key, advanced.frames);
  }

  async function conclude(run: LeasedRun, ending: Ending, runMs: number): Promise<void> {
    const { claim, handler, controller } = run;
    const stopped = controller.signal.aborted ? (controller.signal.reason as Stopped).reason : undefined;
    const terms = { claim, stopped, retry: { ...DEFAULT_RETRY, ...handler.retry }, quarantineAfter: options.quarantineAfter, random };
    try {
      await carryOut(run, decide(storable(ending, options.valueLength), terms), runMs);
    } catch (error) {
      // Its lease runs out and `recover` takes it back: late, but not lost (P2).
      log.error({ request_id: claim.requestId, err: asError(error) }, "the end of a run could not be stored; it will run again");
    }
  }

  async function idle(): Promise<void> {
    while (running.size > 0) await Promise.all(Array.from(running.values(), ({ settled }) => settled));
  }

  return {
    get running() {
      return running.size;
    },
    async adopt(run) {
      const { startedAt } = run;
      const { promise: gaveUp, resolve } = Promise.withResolvers<Ending>();
      const { promise: settled, resolve: markSettled } = Promise.withResolvers<void>();
      const { key } = run.claim.lease;
      const tracked: Tracked = {
        ...run,
        settled,
        deadlineAt: startedAt + run.claim.timeoutMs,
        lifeEndsAt: startedAt + options.runLifeMs,
        giveUpAt: Infinity,
        giveUp: () => resolve({ kind: "abandoned" }),
      };
      running.set(key, tracked);
      if (!ticking) {
        ticking = true;
        clock.after(TICK_MS, tick);
      }
      if (run.claim.cancelRequested) stop(tracked, "cancelled");
      const ending = await Promise.race([run.execution, gaveUp]);
      await conclude(run, ending, clock.monotonic() - startedAt);
      if (running.get(key) === tracked) running.delete(key);
      markSettled();
    },
    cancel(key) {
      const run = running.get(key);
      if (run) stop(run, "cancelled");
      return run !== undefined;
    },
    async stopAll(graceMs) {
      for (const run of running.values()) stop(run, "shutting_down", graceMs);
      await idle();
    },
    async handBack(graceMs, requireCheckpoint) {
      for (const run of running.values()) {
        stop(run, handsOver(run, requireCheckpoint), graceMs);
      }
      await idle();
    },
    idle,
  };
}

/** A result that cannot be stored is the handler's failure. */
function storable(ending: Ending, maxBytes: number): Ending {
  if (ending.kind !== "returned" || ending.result === undefined) return ending;
  try {
    assertStorable(ending.result, "Result", maxBytes);
    return ending;
  } catch (error) {
    return { kind: "threw", error };
  }
}
