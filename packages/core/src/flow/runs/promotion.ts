/**
 * Promotion: a run that was begun without a lease becomes a durable request where it runs, for whoever asked for its id.
 */
import { asError, StreamerError, type StopReason } from "../../errors.ts";
import type { Engine } from "../../ports/engine.ts";
import type { Claim, Lease } from "../../ports/requests.ts";
import type { AcceptedRequest } from "../accepted.ts";
import type { Deliver } from "../deliver/deliver.ts";
import type { Run } from "./run.ts";

/** What became of submitting a run in progress. */
export type Promoted =
  | { readonly outcome: "claimed"; readonly claim: Claim }
  /** The id belongs to a request that was stored meanwhile: whoever asked has been told of that one. */
  | { readonly outcome: "taken" };

/** What its request is stored with. */
export interface RunInProgress {
  readonly elapsedMs: number;
  /** It was told to stop while it was not durable: it is cancelled like any other, whatever becomes of this process (P8). */
  readonly isCancelled: boolean;
}

export interface PromotionParts {
  readonly engine: Pick<Engine, "answers" | "clock" | "log">;
  readonly deliver: Pick<Deliver, "follow">;
  /** Submits a run in progress as PROCESSING; rejects when the store does not take it. Submitting stands above running. */
  readonly submit: (request: AcceptedRequest, progress: RunInProgress) => Promise<Promoted>;
  readonly stop: (run: Run, reason: StopReason) => void;
}

export interface Promotion {
  /** Makes a run durable where it runs; resolves when that is known. Never rejects. */
  promote(run: Run): Promise<void>;
  /** The same, with the lease it has then; rejects when it could not be made durable. */
  makeDurable(run: Run): Promise<Lease>;
}

export function createPromotion({ engine, deliver, submit, stop }: PromotionParts): Promotion {
  const { answers, clock, log } = engine;

  function promote(run: Run): Promise<void> {
    const { phase } = run;
    if (phase.name === "promoting") return phase.promotion;
    if (phase.name !== "answering") return Promise.resolve();
    const { promise: promotion, resolve } = Promise.withResolvers<void>();
    run.become("promote", { name: "promoting", promotion });
    void submitRun(run).then(resolve);
    return promotion;
  }

  async function submitRun(run: Run): Promise<void> {
    const request = run.terms.accepted!;
    const since = clock.monotonic();
    try {
      const isCancelled = run.stopped === "cancelled";
      const promoted = await submit(request, { elapsedMs: since - run.terms.startedAt, isCancelled });
      if (promoted.outcome === "taken") {
        run.become("yield", { name: "superseded" });
        stop(run, "lease_lost");
      } else {
        run.become("lease", { name: "leased", claim: promoted.claim, since });
        if (isCancelled) run.reporter.emit({ type: "cancellation", stage: "observed" });
        else if (promoted.claim.cancelRequested) stop(run, "cancelled");
      }
    } catch (error) {
      run.refusal = asError(error);
      run.become("refuse", { name: "answering", overrunAt: Infinity });
      log.warn({ request_id: request.requestId, err: run.refusal }, "a run could not be made durable; it is answered when it ends");
      return;
    }
    await leaveToStore(request);
  }

  async function leaveToStore({ key, requestId, connection }: AcceptedRequest): Promise<void> {
    try {
      const askers = await answers.end(key, { kind: "durable" });
      const others = askers.filter((connectionId) => connectionId !== connection.connectionId);
      await Promise.all(others.map((connectionId) => deliver.follow(connectionId, key, 0)));
    } catch (error) {
      log.error({ request_id: requestId, err: asError(error) }, "those who asked again for a durable request could not all be told of it");
    }
  }

  async function makeDurable(run: Run): Promise<Lease> {
    await promote(run);
    if (run.lease) return run.lease;
    if (run.phase.name === "ended") throw new TypeError("The run has ended: nothing more can be stored for it.");
    throw (
      run.refusal ??
      new StreamerError("DUPLICATE_REQUEST", `"${run.terms.request.id}" was made durable meanwhile: this run's words go nowhere.`)
    );
  }

  return { promote, makeDurable };
}
