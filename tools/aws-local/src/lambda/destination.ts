/** What a destination is told of an asynchronous invocation: the record that Lambda sends, field by field. */
import type { Served } from "./fleet.ts";

export type Condition = "Success" | "RetriesExhausted" | "EventAgeExceeded";

export interface AsyncEvent {
  readonly requestId: string;
  /** JSON text. */
  readonly event: string;
  readonly receivedAt: number;
  attempts: number;
}

/** Lambda names the version that ran after the ARN when the caller did not. */
export const versioned = (arn: string): string => (arn.split(":").length > 7 ? arn : `${arn}:$LATEST`);

export function destinationRecord(event: AsyncEvent, arn: string, [condition, last]: readonly [Condition, Served | undefined]): string {
  const functionArn = versioned(arn);
  return JSON.stringify({
    version: "1.0",
    timestamp: new Date().toISOString(),
    requestContext: { requestId: event.requestId, functionArn, condition, approximateInvokeCount: event.attempts },
    requestPayload: JSON.parse(event.event) as unknown,
    ...(last && {
      responseContext: { statusCode: 200, executedVersion: "$LATEST", ...(last.isError && { functionError: "Unhandled" }) },
      responsePayload: JSON.parse(last.payload) as unknown,
    }),
  });
}
