/**
 * Errors. Flow code returns outcomes as values; exceptions are for handlers, broken invariants and callers of the SDK.
 * They are recognised by brand, not instanceof, so that two installed copies of this package still understand each
 * other, and an error can cross a process boundary as a description and come back.
 */
import { isErrorCode, type ErrorCode, type WireError } from "@streamer/protocol";
import {
  detailsNote,
  detailsOf,
  isError,
  isPlainError,
  markSystem,
  memberOf,
  messageOf,
  nameOf,
  stackOf,
  systemCodeOf,
  withNote,
} from "./thrown.ts";

const BRAND = Symbol.for("streamer.error");
type Brand = "error" | "fatal" | "retry_after" | "not_yet" | "stopped";

const BRANDS: readonly unknown[] = ["error", "fatal", "retry_after", "not_yet", "stopped"] satisfies Brand[];
const isBrand = (value: unknown): value is Brand => BRANDS.includes(value);

function brandOf(value: unknown): Brand | undefined {
  const brand = memberOf(value, BRAND);
  return isBrand(brand) ? brand : undefined;
}

const DAY_MS = 86_400_000;
const DEFAULT_LATER_MS = 1_000;
/** Whoever asks to be tried again later than this has most likely mistaken a time for a wait. */
const MAX_AFTER_DAYS = 31;

/** An error with a code of the protocol's table. Details that are not JSON are left out, and the message says so. */
export class StreamerError extends Error {
  readonly [BRAND]: Brand = "error";
  readonly code: ErrorCode;
  readonly requestId: string | undefined;
  readonly details: WireError["details"] | undefined;
  /** When it is worth trying again, in whole ms from now. */
  readonly afterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    more: { cause?: unknown; requestId?: string; details?: WireError["details"]; afterMs?: number } = {},
  ) {
    const { details, problem } = detailsOf(more.details);
    super(withNote(message, detailsNote(problem)), more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "StreamerError";
    this.code = isErrorCode(code) ? code : "INTERNAL_ERROR";
    this.requestId = more.requestId;
    this.details = details;
    this.afterMs = waitOf(more.afterMs).afterMs;
  }
}

/** Thrown by a handler: trying again cannot help. The request fails now and becomes a dead letter. */
export class Fatal extends Error {
  readonly [BRAND]: Brand = "fatal";
  /** PROCESSING_FAILED unless the handler found its input wrong: then VALIDATION_ERROR. */
  readonly code: ErrorCode;
  readonly details: WireError["details"] | undefined;

  constructor(message: string, more: { code?: ErrorCode; details?: WireError["details"]; cause?: unknown } = {}) {
    const { details, problem } = detailsOf(more.details);
    super(withNote(message, detailsNote(problem)), more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "Fatal";
    this.code = isErrorCode(more.code) ? more.code : "PROCESSING_FAILED";
    this.details = details;
  }
}

/**
 * Thrown by a handler: try again, no sooner than `afterMs` from now. Counts as an attempt. A fraction is rounded up and
 * more than 31 days become 31 days. What is no time to wait (NaN, a negative number, Infinity, anything but a number)
 * means the handler's own backoff; `afterMs` is undefined then. The message says so where the wish was not followed.
 */
export class RetryAfter extends Error {
  readonly [BRAND]: Brand = "retry_after";
  readonly afterMs: number | undefined;

  constructor(afterMs: number, message?: string) {
    const wait = waitOf(afterMs);
    const asked = wait.afterMs === undefined ? "Asked to be tried again" : `Asked to retry after ${wait.afterMs} ms`;
    super(withNote(message ?? asked, wait.note));
    this.name = "RetryAfter";
    this.afterMs = wait.afterMs;
  }
}

/**
 * Thrown by a handler: what it needs is not there yet, rows that a user is still to send, say. The run ends and its slot is
 * another's; the request runs again in `afterMs`, from its checkpoint, and that counts as no failure and no attempt. A run
 * that waits instead holds a slot of all tenants. `afterMs` is what `RetryAfter` takes; no time to wait is a second.
 */
export class NotYet extends Error {
  readonly [BRAND]: Brand = "not_yet";
  readonly afterMs: number;

  constructor(afterMs: number, message = "What the run needs is not there yet") {
    super(message);
    this.name = "NotYet";
    this.afterMs = waitOf(afterMs).afterMs ?? DEFAULT_LATER_MS;
  }
}

function waitOf(asked: unknown): { readonly afterMs: number | undefined; readonly note?: string } {
  if (typeof asked !== "number" || !(asked >= 0) || asked === Infinity) {
    const what = typeof asked === "number" ? `${asked} ms` : `a value of type ${typeof asked}`;
    return { afterMs: undefined, note: `${what} is no time to wait: the handler's own backoff counts` };
  }
  if (asked <= MAX_AFTER_DAYS * DAY_MS) return { afterMs: Math.ceil(asked) };
  return { afterMs: MAX_AFTER_DAYS * DAY_MS, note: `${asked} ms is more than ${MAX_AFTER_DAYS} days: tried again after those` };
}

const STOP_REASONS = ["cancelled", "timed_out", "out_of_time", "lease_lost", "shutting_down"] as const;
/** Why a run is asked to stop; `ctx.signal.reason` is a `Stopped`. */
export type StopReason = (typeof STOP_REASONS)[number];
const isStopReason = (value: unknown): value is StopReason => (STOP_REASONS as readonly unknown[]).includes(value);

export class Stopped extends Error {
  readonly [BRAND]: Brand = "stopped";
  readonly reason: StopReason;

  constructor(reason: StopReason) {
    super(`The run was stopped: ${reason.replaceAll("_", " ")}`);
    this.name = "Stopped";
    this.reason = reason;
  }
}

export const isStreamerError = (value: unknown): value is StreamerError => brandOf(value) === "error";
export const isFatal = (value: unknown): value is Fatal => brandOf(value) === "fatal";
export const isRetryAfter = (value: unknown): value is RetryAfter => brandOf(value) === "retry_after";
export const isNotYet = (value: unknown): value is NotYet => brandOf(value) === "not_yet";
export const isStopped = (value: unknown): value is Stopped => brandOf(value) === "stopped";

/** The store, or what stands before it, refused for a reason that passes: trying the same again may succeed. */
export const isPassing = (error: unknown): boolean =>
  isStreamerError(error) && (error.code === "STORAGE_ERROR" || error.code === "SERVICE_UNAVAILABLE");

/** What is stored is damaged: the same would be found at the next try. */
export const isDataLoss = (error: unknown): error is StreamerError => isStreamerError(error) && error.code === "DATA_LOSS";

/** An error as plain data, to cross a process boundary. */
export interface ErrorDescription {
  readonly brand?: Brand;
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  readonly details?: WireError["details"];
  readonly afterMs?: number;
  readonly reason?: StopReason;
  /** Of which system it is, where no author wrote it: thrown.ts. */
  readonly system?: string;
}

/** Never throws, whatever was thrown; what cannot be carried over is left out, and the message says so. */
export function describeError(error: unknown): ErrorDescription {
  if (!isError(error)) return { name: "Error", message: messageOf(error) };
  const brand = brandOf(error);
  const system = brand === undefined ? systemCodeOf(error) : undefined;
  const stack = stackOf(error);
  const { details, problem } = detailsOf(memberOf(error, "details"));
  const [code, afterMs, reason] = ["code", "afterMs", "reason"].map((name) => memberOf(error, name));
  return {
    name: nameOf(error),
    message: withNote(messageOf(error), detailsNote(problem)),
    ...(brand && { brand }),
    ...(stack !== undefined && { stack }),
    ...(isErrorCode(code) && { code }),
    ...(details && { details }),
    ...(typeof afterMs === "number" && { afterMs }),
    ...(brand === "stopped" && isStopReason(reason) && { reason }),
    ...(system !== undefined && { system }),
  };
}

/** The error a description was made from, brand and code kept. Never throws, whatever another process sent. */
export function restoreError(description: ErrorDescription): Error {
  const [brand, code, afterMs, reason] = ["brand", "code", "afterMs", "reason"].map((name) => memberOf(description, name));
  const message = messageOf(description);
  const { details } = detailsOf(memberOf(description, "details"));
  const more = { ...(details && { details }), ...(isErrorCode(code) && { code }) };
  const error = restored();
  const stack = stackOf(description);
  if (stack !== undefined) error.stack = stack;
  return error;

  function restored(): Error {
    if (!isBrand(brand)) {
      const plain = Object.assign(new Error(message), { name: nameOf(description) });
      const system = memberOf(description, "system");
      return typeof system === "string" ? markSystem(plain, system) : plain;
    }
    switch (brand) {
      case "fatal":
        return new Fatal(message, more);
      case "retry_after":
        return typeof afterMs === "number"
          ? new RetryAfter(afterMs, message)
          : Object.assign(new RetryAfter(0, message), { afterMs: undefined });
      case "not_yet":
        return new NotYet(typeof afterMs === "number" ? afterMs : DEFAULT_LATER_MS, message);
      case "stopped":
        return isStopReason(reason) ? new Stopped(reason) : new Error(message);
      case "error":
        return new StreamerError(isErrorCode(code) ? code : "INTERNAL_ERROR", message, {
          ...more,
          ...(typeof afterMs === "number" && { afterMs }),
        });
    }
  }
}

/** Whatever was thrown, as an Error that can be logged. Never throws. */
export function asError(thrown: unknown): Error {
  return isPlainError(thrown) ? thrown : restoreError(describeError(thrown));
}

/** The process running a handler ended without an answer: counted as a crash, not as a failed attempt (P3). */
export class WorkerDied extends Error {
  constructor(message: string) {
    super(message);
    this.name = "WorkerDied";
  }
}
