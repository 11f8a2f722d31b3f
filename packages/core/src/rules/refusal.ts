/** What the sender of a message is told of an error that its answer met: the stack never travels (P12). Pure. */
import { wireError, type WireError } from "@streamer/protocol";
import { isStreamerError } from "../errors.ts";

export function refusalOf(error: unknown, requestId: string): WireError {
  if (!isStreamerError(error)) return wireError("INTERNAL_ERROR", `The server failed on "${requestId}"; its log says why. Try again.`);
  const { code, message, details, afterMs } = error;
  return wireError(code, message, { ...(details && { details }), ...(afterMs !== undefined && { afterMs }) });
}
