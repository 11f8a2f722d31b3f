/** What is said of a request that cannot be found (P7, P10). */
import { StreamerError } from "../../errors.ts";

export function missing(outcome: "unknown" | "expired", requestId: string): StreamerError {
  return outcome === "expired"
    ? new StreamerError("EXPIRED", `Request "${requestId}" is past its retention; its state and result are gone.`, { requestId })
    : new StreamerError("NOT_FOUND", `There is no request "${requestId}" of yours.`, { requestId });
}
