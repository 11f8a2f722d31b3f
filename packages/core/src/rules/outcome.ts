/** What follows from how a run ended. Pure: flow/runs carries it out. */
import { wireError, type WireError } from "@streamer/protocol";
import {
  asError,
  describeError,
  Fatal,
  isDataLoss,
  isFatal,
  isNotYet,
  isRetryAfter,
  isStreamerError,
  WorkerDied,
  type StopReason,
} from "../errors.ts";
import type { Claim } from "../ports/requests.ts";
import { assertStorable } from "./progress.ts";
import { backoffMs, type RetryPolicy } from "./retry.ts";

/** How the handler ended: with a result, by throwing, or not at all (it was told to stop and did not). */
export type Ending =
  | { readonly kind: "returned"; readonly result: unknown }
  | { readonly kind: "threw"; readonly error: unknown }
  | { readonly kind: "abandoned" };

export type Decision =
  | { readonly kind: "complete"; readonly result: unknown }
  | { readonly kind: "fail"; readonly error: WireError }
  | { readonly kind: "retry"; readonly afterMs: number; readonly error: WireError }
  /** It runs again then, and has not failed. */
  | { readonly kind: "wait"; readonly afterMs: number }
  | { readonly kind: "cancel" }
  | { readonly kind: "release"; readonly crashed: boolean }
  /** The lease is lost: whoever holds it now decides. */
  | { readonly kind: "drop" };

export interface DecisionTerms {
  readonly claim: Pick<Claim, "requestId" | "failures" | "crashes" | "maxAttempts" | "timeoutMs">;
  /** Why the run was asked to stop, if it was. */
  readonly stopped: StopReason | undefined;
  readonly retry: RetryPolicy;
  readonly quarantineAfter: number;
  readonly random: () => number;
}

export function decide(ending: Ending, terms: DecisionTerms): Decision {
  const { claim, stopped, quarantineAfter } = terms;
  if (stopped === "lease_lost") return { kind: "drop" };
  // Finished after all: a result that is there is worth more than the wish to stop.
  if (ending.kind === "returned") return { kind: "complete", result: ending.result };
  if (stopped === "cancelled") return { kind: "cancel" };
  if (stopped === "shutting_down") return { kind: "release", crashed: false };
  if (stopped === "timed_out") {
    return failure(wireError("TIMEOUT", `The run of "${claim.requestId}" took longer than its timeout of ${claim.timeoutMs} ms.`), terms);
  }
  if (stopped === "out_of_time") {
    const advice = "save one with ctx.checkpoint and go on from ctx.resumed";
    return failure(
      wireError("TIMEOUT", `The run of "${claim.requestId}" outlived its process without a checkpoint to go on from; ${advice}.`),
      terms,
    );
  }
  if (ending.kind === "abandoned") return { kind: "drop" };
  // Anything can be thrown, a revoked proxy too: from here on it is an Error that can be asked what it is.
  const error = asError(ending.error);
  if (error instanceof WorkerDied) {
    const deaths = claim.crashes + 1;
    return deaths < quarantineAfter ? { kind: "release", crashed: true } : { kind: "fail", error: quarantineError(quarantineAfter) };
  }
  if (isFatal(error)) return { kind: "fail", error: describeFailure(error) };
  if (isDataLoss(error)) return { kind: "fail", error: describe(error, error.code) };
  if (isNotYet(error)) return { kind: "wait", afterMs: error.afterMs };
  if (isRetryAfter(error)) return failure(describe(error, "PROCESSING_FAILED"), terms, error.afterMs);
  return failure(describe(error, isStreamerError(error) ? error.code : "PROCESSING_FAILED"), terms);
}

/** The end of a request whose process died again and again (P3). */
export function quarantineError(deaths: number): WireError {
  return wireError(
    "PROCESSING_FAILED",
    `The process running this request died ${deaths} times; it is a dead letter now. Mend its cause, then send "retry".`,
  );
}

/** A result that cannot be stored is a failure of its handler, and would be the same at the next attempt. */
export function storable(ending: Ending, maxLength: number): Ending {
  if (ending.kind !== "returned" || ending.result === undefined) return ending;
  try {
    assertStorable(ending.result, "Result", maxLength);
    return ending;
  } catch (error) {
    return { kind: "threw", error: new Fatal(asError(error).message) };
  }
}

export const cancelledError: WireError = wireError("CANCELLED", "The request was cancelled.");

function failure(error: WireError, { claim, retry, random }: DecisionTerms, afterMs?: number): Decision {
  const failures = claim.failures + 1;
  if (failures >= claim.maxAttempts) return { kind: "fail", error };
  return { kind: "retry", afterMs: afterMs ?? backoffMs(retry, failures, random), error };
}

/** The error of a failure that another attempt could not mend. */
export const describeFailure = (error: Fatal): WireError => ({ ...describe(error, error.code), retry: { retryable: false } });

/** The author's message travels, the stack never does (P12). */
function describe(error: unknown, code: WireError["code"]): WireError {
  const { message, details, afterMs, brand } = describeError(error);
  const isWaitWorth = brand === "error" && afterMs !== undefined;
  return wireError(code, message || "The handler failed without a message.", {
    ...(details && { details }),
    ...(isWaitWorth && { afterMs }),
  });
}
