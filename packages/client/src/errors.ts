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
  declare readonly code: ClientErrorCode;
  declare readonly requestId: string | undefined;
  /** `details.issues` lists what is wrong with a payload, each with its path. */
  declare readonly details: WireError["details"];
  /** Whether the same thing can succeed later, and after how long. */
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
