/** What is stored of an end, and what a record shows of events: the newest progress, and how it ended. For engines. Pure. */
import { isJsonObject, type JsonObject } from "@streamer/protocol";
import type { EventBody, RequestRecord, Settlement } from "../ports/requests.ts";

/** Of a `progress` event. */
export function progressOf({ percentage, message, stage, metadata }: JsonObject): NonNullable<RequestRecord["progress"]> {
  return {
    percentage: percentage as number,
    ...(typeof message === "string" && { message }),
    ...(typeof stage === "string" && { stage }),
    ...(isJsonObject(metadata) && { metadata: metadata as NonNullable<NonNullable<RequestRecord["progress"]>["metadata"]> }),
  };
}

/** The events of an end, the receipt of a cancellation that nobody waited for among them. */
export function settledEvents({ events, tooLate }: Settlement, cancelRequested: boolean): readonly EventBody[] {
  return tooLate && cancelRequested ? [...events.slice(0, -1), tooLate, ...events.slice(-1)] : events;
}

/** Of a `complete` event or the `error` that ended a request. */
export function endingOf({ result, error }: JsonObject): Pick<RequestRecord, "result" | "error"> {
  return {
    ...(result !== undefined && { result }),
    ...(isJsonObject(error) && { error: error as unknown as NonNullable<RequestRecord["error"]> }),
  };
}
