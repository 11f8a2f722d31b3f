/**
 * The errors that a client's promises reject with. Most codes are the protocol's; four are the client's own. Recognised by brand, so that two copies of this package, and the server's own errors, understand each other.
 */
import type { ErrorCode, WireError } from "@streamer/protocol";

/**
 * The client's own codes: OUTBOX_FULL, too many requests are unanswered; CLIENT_CLOSED, `close()` was called;
 * CANNOT_CONNECT, the limit of reconnect attempts was reached; DETACHED, `detach()` was called on the last handle.
 */
export type ClientErrorCode = ErrorCode | "OUTBOX_FULL" | "CLIENT_CLOSED" | "CANNOT_CONNECT" | "DETACHED";

const BRAND = Symbol.for("streamer.error");

export interface StreamerErrorDetails {
  readonly requestId?: string | undefined;
  readonly details?: WireError["details"];
  readonly retry?: WireError["retry"];
  readonly cause?: unknown;
}

export class StreamerError extends Error {
  readonly [BRAND] = "error";
  declare readonly code: ClientErrorCode;
  declare readonly requestId: string | undefined;
  /** For an invalid payload, `details.issues` lists each problem with its path. */
  declare readonly details: WireError["details"];
  /** Whether sending the same again can succeed later (`retryable`), and after how many ms (`after_ms`). */
  declare readonly retry: WireError["retry"];

  constructor(code: ClientErrorCode, message: string, more: StreamerErrorDetails = {}) {
    super(message, more);
    const { requestId, details, retry } = more;
    Object.assign(this, { name: "StreamerError", code, requestId, details, retry });
  }
}

export function isStreamerError(value: unknown): value is StreamerError {
  return typeof value === "object" && value !== null && (value as { [BRAND]?: unknown })[BRAND] === "error";
}

const UNTOLD: WireError = { code: "INTERNAL_ERROR", message: "The server gave no reason." };

/** The error of a frame, as an exception. */
export function fromWire({ code, message, ...more }: WireError = UNTOLD, requestId?: string): StreamerError {
  return new StreamerError(code, message, { ...more, requestId });
}

export const aboutRequest = (code: ClientErrorCode, requestId: string, what: string, cause?: unknown): StreamerError =>
  new StreamerError(code, `Request "${requestId}" ${what}`, { requestId, cause });

export const cancelledUnsent = (requestId: string): StreamerError =>
  aboutRequest("CANCELLED", requestId, "was cancelled before it was sent.");
