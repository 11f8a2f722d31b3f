/** HTTP answers that carry no file: small JSON, and errors in the same form as on the socket. */
import type { ServerResponse } from "node:http";
import { wireError, type ErrorCode, type JsonValue, type WireError } from "@streamer/protocol";

const HTTP_STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  INVALID_MESSAGE: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  EXPIRED: 410,
  RATE_LIMITED: 429,
  SERVICE_UNAVAILABLE: 503,
};

export function replyJson(response: ServerResponse, status: number, body: JsonValue): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff" });
  response.end(JSON.stringify(body));
}

export function replyError(response: ServerResponse, error: WireError): void {
  const afterMs = error.retry?.after_ms;
  if (afterMs !== undefined) response.setHeader("retry-after", Math.ceil(afterMs / 1_000));
  replyJson(response, HTTP_STATUS[error.code] ?? 500, { error: error as unknown as JsonValue });
}

export function replyCode(response: ServerResponse, code: ErrorCode, message: string): void {
  replyError(response, wireError(code, message));
}
