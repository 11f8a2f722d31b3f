/**
 * The end of a durable run: one write, tried again until it is known to stand or to be refused (P2). A result that is
 * there is not thrown away because the disk is full: the run keeps its lease and its slot meanwhile.
 */
import type { JsonValue } from "@streamer/protocol";
import { asError, isDataLoss, isPassing } from "../../errors.ts";
import type { StreamerOptions } from "../../options.ts";
import type { Engine } from "../../ports/engine.ts";
import type { Claim, EventBody, Lease, Settlement, Written } from "../../ports/requests.ts";
import { cancelledError, type Decision } from "../../rules/outcome.ts";
import { refusalOf } from "../../rules/refusal.ts";
import { pauseMs } from "../../rules/retry.ts";
import type { Deliver } from "../deliver/deliver.ts";
import type { Faults } from "../faults.ts";
import type { Unwritten } from "../report/reporter.ts";
import type { Run } from "./run.ts";

export interface SettleParts {
  readonly engine: Pick<Engine, "requests" | "wakeups" | "clock" | "log">;
  readonly options: Pick<StreamerOptions, "leaseMs">;
  readonly faults: Pick<Faults, "fault">;
  readonly deliver: Pick<Deliver, "publish" | "publishLast">;
  /** Monotonic ms after which nothing is tried again: the process is about to end. */
  readonly givesUpAt: () => number;
}

export type Settle = (run: Run, claim: Claim, decision: Decision, runMs: number) => Promise<void>;

type End = Extract<Decision, { kind: "complete" | "fail" | "cancel" }>;

const TOO_LATE: EventBody = { type: "cancellation", stage: "too_late" };

export function createSettle({ engine, options, faults, deliver, givesUpAt }: SettleParts): Settle {
  const { requests, wakeups, clock, log } = engine;

  const pause = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));

  /** Tries again while the store refuses for a passing reason; undefined when there is no more time for it. */
  async function untilKnown<T>(run: Run, write: () => Promise<T>): Promise<T | undefined> {
    for (let refusals = 1; ; refusals += 1) {
      try {
        return await write();
      } catch (error) {
        if (!isPassing(error)) throw error;
        const fields = { request_id: run.terms.request.id, err: asError(error), refusals };
        const waitMs = pauseMs(refusals);
        if (clock.monotonic() + waitMs > givesUpAt()) {
          log.error(fields, "the end of a run could not be stored before the process ends; the request runs again");
          return undefined;
        }
        if (refusals === 1) log.error(fields, "the end of a run could not be stored; it is kept and tried again");
        await pause(waitMs);
      }
    }
  }

  /** What has to be stored before the run is given back: a settle takes its events along, a release does not. */
  async function flush(lease: Lease, { events, checkpoint }: Unwritten): Promise<Written> {
    if (events.length === 0 && !checkpoint) return { outcome: "written", frames: [] };
    const change = { events, leaseMs: options.leaseMs, ...(checkpoint && { checkpoint: checkpoint.state }) };
    const advanced = await requests.advance(lease, change);
    return advanced.outcome === "lost" ? advanced : { outcome: "written", frames: advanced.frames };
  }

  function endEvents(run: Run, claim: Claim, decision: End, runMs: number) {
    // The wish may have come after it was decided how the run ends.
    const late = run.stopped === "cancelled" ? [TOO_LATE] : [];
    switch (decision.kind) {
      case "complete": {
        const { result } = decision;
        const metadata = { attempts: claim.lease.attempt, queue_ms: Math.round(claim.queueMs), run_ms: Math.round(runMs) };
        const complete: EventBody = { type: "complete", ...(result !== undefined && { result: result as JsonValue }), metadata };
        return { status: "COMPLETED", events: [...late, complete] } as const;
      }
      case "fail":
        return { status: "FAILED", events: [...late, { type: "error", error: decision.error }] } as const;
      case "cancel":
        return {
          status: "CANCELLED",
          events: [
            { type: "cancellation", stage: "stopped" },
            { type: "error", error: cancelledError },
          ],
        } as const;
    }
  }

  function settlementOf(
    run: Run,
    claim: Claim,
    decision: End,
    { unwritten, runMs }: { unwritten: Pick<Unwritten, "events">; runMs: number },
  ): Settlement {
    const { status, events } = endEvents(run, claim, decision, runMs);
    // The store may know of a cancellation that has not reached the run.
    const tooLate = status !== "CANCELLED" && run.stopped !== "cancelled" && { tooLate: TOO_LATE };
    return { status, runMs, events: [...unwritten.events, ...events], ...tooLate };
  }

  /** The writes that carry out a decision, in turn; each is tried until it is known. */
  function writesOf(run: Run, claim: Claim, decision: Exclude<Decision, { kind: "drop" }>, terms: { unwritten: Unwritten; runMs: number }) {
    const { lease } = claim;
    const { unwritten } = terms;
    if (decision.kind === "retry") {
      const reschedule = (events: readonly EventBody[]) => {
        // At each try: what the store refuses for a while does not wait longer, or less, for a clock that was set meanwhile.
        const runAt = Math.ceil(clock.now() + decision.afterMs);
        const retrying: EventBody = { type: "retrying", attempt: lease.attempt, retry_at: runAt, error: decision.error };
        return requests.reschedule(lease, { runAt, events: [...events, retrying] });
      };
      return unwritten.checkpoint ? [() => flush(lease, unwritten), () => reschedule([])] : [() => reschedule(unwritten.events)];
    }
    if (decision.kind === "wait") {
      const wait = (events: readonly EventBody[]) =>
        requests.reschedule(lease, { runAt: Math.ceil(clock.now() + decision.afterMs), events, failures: 0 });
      return unwritten.checkpoint ? [() => flush(lease, unwritten), () => wait([])] : [() => wait(unwritten.events)];
    }
    if (decision.kind === "release") return [() => flush(lease, unwritten), () => requests.release(lease, { crashed: decision.crashed })];
    const settlement = settlementOf(run, claim, decision, terms);
    return [() => requests.settle(lease, settlement)];
  }

  /** Whatever a handler threw or returned, the run ends: what cannot be stored is replaced by an error that can. */
  async function carryOut(
    run: Run,
    claim: Claim,
    decision: Exclude<Decision, { kind: "drop" }>,
    terms: { unwritten: Unwritten; runMs: number },
  ) {
    const frames: (readonly [Exclude<Decision["kind"], "drop">, Written] | undefined)[] = [];
    try {
      for (const one of writesOf(run, claim, decision, terms)) {
        const written = await untilKnown(run, one);
        frames.push(written && [decision.kind, written]);
        if (written?.outcome !== "written") break;
      }
      return frames;
    } catch (error) {
      const told = faults.fault(error, claim.requestId, "the end of a run cannot be stored as it is; it is stored as a failure");
      // Of what is damaged nothing can be stored: its followers are told when it is next asked for.
      if (isDataLoss(error)) return [undefined];
      const settlement = settlementOf(
        run,
        claim,
        { kind: "fail", error: refusalOf(told) },
        { unwritten: { events: [] }, runMs: terms.runMs },
      );
      const written = await untilKnown(run, () => requests.settle(claim.lease, settlement));
      return [written && (["fail", written] as const)];
    }
  }

  return async (run, claim, decision, runMs) => {
    const { lease, requestId } = claim;
    const unwritten = await run.reporter.close(decision.kind === "complete");
    const lost = (): void =>
      log.warn({ request_id: requestId, attempt: lease.attempt }, "the lease was lost; whoever holds it now goes on");
    if (decision.kind === "drop") return lost();
    for (const one of await carryOut(run, claim, decision, { unwritten, runMs })) {
      if (!one) return;
      const [kind, written] = one;
      if (written.outcome === "lost") return lost();
      const goesOn = kind === "retry" || kind === "wait" || kind === "release";
      await (goesOn ? deliver.publish : deliver.publishLast)(lease.key, written.frames);
    }
    if (decision.kind === "retry" || decision.kind === "wait") {
      // The write stands: an engine finds what is due by itself, only later.
      await wakeups.at(clock.now() + decision.afterMs, lease.key).catch((error: unknown) => {
        log.error(
          { request_id: requestId, err: asError(error) },
          "a wakeup could not be set; the request is found when the engine next looks",
        );
      });
    }
  };
}
