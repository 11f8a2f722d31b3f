/**
 * Errors. Flow code returns outcomes as values; exceptions are for handlers, broken invariants and callers of the SDK.
 * They are recognised by brand, not instanceof, so that two installed copies of this package still understand each
 * other, and an error can cross a process boundary as a description and come back.
 */
import { isErrorCode, type ErrorCode, type WireError } from "@streamer/protocol";

const BRAND = Symbol.for("streamer.error");
type Brand = "error" | "fatal" | "retry_after" | "stopped";

const brandOf = (value: unknown): Brand | undefined =>
  typeof value === "object" && value !== null ? (value as { [BRAND]?: Brand })[BRAND] : undefined;

/** An error with a code of the protocol's table. */
export class StreamerError extends Error {
  readonly [BRAND]: Brand = "error";
  readonly code: ErrorCode;
  readonly requestId: string | undefined;
  readonly details: WireError["details"] | undefined;
  /** When it is worth trying again, in ms from now. */
  readonly afterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    more: { cause?: unknown; requestId?: string; details?: WireError["details"]; afterMs?: number } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "StreamerError";
    this.code = code;
    this.requestId = more.requestId;
    this.details = more.details;
    this.afterMs = more.afterMs;
  }
}

/** Thrown by a handler: trying again cannot help. The request fails now and becomes a dead letter. */
export class Fatal extends Error {
  readonly [BRAND]: Brand = "fatal";
  /** PROCESSING_FAILED unless the handler found its input wrong: then VALIDATION_ERROR. */
  readonly code: ErrorCode;
  readonly details: WireError["details"] | undefined;

  constructor(message: string, more: { code?: ErrorCode; details?: WireError["details"]; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "Fatal";
    this.code = more.code ?? "PROCESSING_FAILED";
    this.details = more.details;
  }
}

/** Thrown by a handler: try again, no sooner than `afterMs` from now. Counts as an attempt. */
export class RetryAfter extends Error {
  readonly [BRAND]: Brand = "retry_after";
  readonly afterMs: number;

  constructor(afterMs: number, message = `Asked to retry after ${afterMs} ms`) {
    super(message);
    this.name = "RetryAfter";
    this.afterMs = afterMs;
  }
}

/** Why a run is asked to stop; `ctx.signal.reason` is a `Stopped`. */
export type StopReason = "cancelled" | "timed_out" | "out_of_time" | "lease_lost" | "shutting_down";

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
export const isStopped = (value: unknown): value is Stopped => brandOf(value) === "stopped";

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
}

export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const brand = brandOf(error);
  const { code, details, afterMs, reason } = error as Partial<StreamerError & RetryAfter & Stopped>;
  return {
    name: error.name,
    message: error.message,
    ...(brand && { brand }),
    ...(error.stack !== undefined && { stack: error.stack }),
    ...(isErrorCode(code) && { code }),
    ...(details && { details }),
    ...(afterMs !== undefined && { afterMs }),
    ...(brand === "stopped" && reason && { reason }),
  };
}

/** The error a description was made from, brand and code kept. */
export function restoreError(description: ErrorDescription): Error {
  const { brand, message, details, afterMs, reason } = description;
  const code = isErrorCode(description.code) ? description.code : undefined;
  const more = { ...(details && { details }), ...(code && { code }) };
  const error =
    brand === "fatal"
      ? new Fatal(message, more)
      : brand === "retry_after"
        ? new RetryAfter(afterMs ?? 0, message)
        : brand === "stopped" && reason
          ? new Stopped(reason)
          : brand === "error"
            ? new StreamerError(code ?? "INTERNAL_ERROR", message, more)
            : Object.assign(new Error(message), { name: description.name });
  if (description.stack !== undefined) error.stack = description.stack;
  return error;
}

/** Whatever was thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
