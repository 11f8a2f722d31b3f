/** What a record shows of the events that are stored: the newest progress, and how it ended. For engines. Pure. */
import { isJsonObject, type JsonObject } from "@streamer/protocol";
import type { RequestRecord } from "../ports/requests.ts";

/** Of a `progress` event. */
export function progressOf({ percentage, message, stage, metadata }: JsonObject): NonNullable<RequestRecord["progress"]> {
  return {
    percentage: percentage as number,
    ...(typeof message === "string" && { message }),
    ...(typeof stage === "string" && { stage }),
    ...(isJsonObject(metadata) && { metadata: metadata as NonNullable<NonNullable<RequestRecord["progress"]>["metadata"]> }),
  };
}

/** Of a `complete` event or the `error` that ended a request. */
export function endingOf({ result, error }: JsonObject): Pick<RequestRecord, "result" | "error"> {
  return {
    ...(result !== undefined && { result }),
    ...(isJsonObject(error) && { error: error as unknown as NonNullable<RequestRecord["error"]> }),
  };
}
