/**
 * What a client's promises reject with. Codes are the protocol's, and four of the client's own for what no server
 * said. Recognised by brand, so that two copies of this package, and the server's own errors, understand each other.
 */
import type { ErrorCode, WireError } from "@streamer/protocol";

/**
 * OUTBOX_FULL: too much is unanswered; CLIENT_CLOSED: `close()` was called; CANNOT_CONNECT: the reconnect limit was
 * reached; DETACHED: the last handle of the request was given up with `detach()`.
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
  readonly code: ClientErrorCode;
  readonly requestId: string | undefined;
  /** `details.issues` lists what is wrong with a payload, each with its path. */
  readonly details: WireError["details"];
  /** Whether the same thing can succeed later, and after how long. */
  readonly retry: WireError["retry"];

  constructor(code: ClientErrorCode, message: string, more: StreamerErrorDetails = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "StreamerError";
    this.code = code;
    this.requestId = more.requestId;
    this.details = more.details;
    this.retry = more.retry;
  }
}

export function isStreamerError(value: unknown): value is StreamerError {
  return typeof value === "object" && value !== null && (value as { [BRAND]?: unknown })[BRAND] === "error";
}

/** The error of a frame, as an exception. */
export function fromWire(error: WireError, requestId?: string): StreamerError {
  return new StreamerError(error.code, error.message, { requestId, details: error.details, retry: error.retry });
}
