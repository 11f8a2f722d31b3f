/**
 * The one table of error codes: meaning, whether trying the same thing again can help, and, for the codes that end a
 * connection, the WebSocket close code. docs/protocol.md and the `ErrorCode` union are tested against it.
 */
import { boundedText } from "./bounded-text.ts";
import type { JsonValue } from "./json.ts";

export interface ErrorCodeEntry {
  readonly meaning: string;
  /** True when sending the same request again later can succeed. */
  readonly retryable: boolean;
  /** WebSocket close code (RFC 6455 §7.4) used when this error closes the connection. */
  readonly closeCode?: 1008 | 1009 | 1011 | 1012 | 1013;
}

export const ERROR_CODES = {
  VALIDATION_ERROR: { meaning: "The payload does not match the action's schema; every issue is listed with its path.", retryable: false },
  INVALID_MESSAGE: { meaning: "The frame is not a message of this protocol.", retryable: false, closeCode: 1008 },
  INVALID_ACTION: { meaning: "No handler is registered for the action.", retryable: false },
  NOT_FOUND: { meaning: "No such request among those this user can see.", retryable: false },
  EXPIRED: { meaning: "The request existed; its retention has ended.", retryable: false },
  UNAUTHORIZED: { meaning: "The token is missing, malformed, expired or not signed by a trusted key.", retryable: false, closeCode: 1008 },
  FORBIDDEN: { meaning: "The user is known but the token lacks the permission.", retryable: false },
  RATE_LIMITED: { meaning: "A limit was reached; nothing was accepted. Try again after `after_ms`.", retryable: true, closeCode: 1008 },
  DUPLICATE_REQUEST: { meaning: "The id or idempotency key was already used with another payload.", retryable: false },
  PAYLOAD_TOO_LARGE: { meaning: "The frame or payload is over the size limit.", retryable: false, closeCode: 1009 },
  CANCELLED: { meaning: "The request was cancelled before it completed.", retryable: false },
  TIMEOUT: { meaning: "The handler ran longer than the request's timeout.", retryable: true },
  PROCESSING_FAILED: { meaning: "The handler failed, and no attempts are left.", retryable: true },
  STORAGE_ERROR: { meaning: "The store refused or failed; nothing was accepted.", retryable: true },
  DATA_LOSS: { meaning: "What is stored of the request is damaged, and was noticed: nothing is made of it.", retryable: false },
  SERVICE_UNAVAILABLE: {
    meaning: "The server is stopping, not ready, or lacks something it needs for now.",
    retryable: true,
    closeCode: 1012,
  },
  INTERNAL_ERROR: { meaning: "A fault of the server's own; details are in its log.", retryable: true, closeCode: 1011 },
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(ERROR_CODES, value);
}

/** One problem found in a frame or payload. */
export interface WireIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** The error as it travels. `details.issues` lists validation issues. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: { readonly [key: string]: JsonValue | undefined };
  readonly retry?: { readonly retryable: boolean; readonly after_ms?: number };
}

/** Builds the error of a code, its retryability taken from the table. */
/** Longest message of an error, in UTF-16 code units. */
const MAX_MESSAGE_LENGTH = 1_024;

export function wireError(code: ErrorCode, message: string, more: { details?: WireError["details"]; afterMs?: number } = {}): WireError {
  return {
    code,
    message: boundedText(message, MAX_MESSAGE_LENGTH),
    ...(more.details && { details: more.details }),
    retry: { retryable: ERROR_CODES[code].retryable, ...(more.afterMs !== undefined && { after_ms: Math.ceil(more.afterMs) }) },
  };
}
