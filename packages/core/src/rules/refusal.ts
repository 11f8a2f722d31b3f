/** An error as the sender of a message is told it: the stack never travels (P12). Pure. */
import { wireError, type WireError } from "@streamer/protocol";
import type { StreamerError } from "../errors.ts";

export function refusalOf({ code, message, details, afterMs }: StreamerError): WireError {
  return wireError(code, message, { ...(details && { details }), ...(afterMs !== undefined && { afterMs }) });
}
