/** Events as AWS sends them to the functions, and the context of an invocation. */
import type { APIGatewayProxyWebsocketEventV2, Context, DynamoDBRecord, SQSEvent } from "aws-lambda";
import type { Clock } from "@streamer/core";
import type { ConnectEvent } from "../src/functions/entry/connect.ts";

let count = 0;

/** An invocation that has so much time, by the clock. */
export function contextAt(clock: Pick<Clock, "now">, remainingMs: number): Context {
  count += 1;
  const endsAt = clock.now() + remainingMs;
  return {
    awsRequestId: `invocation-${count}`,
    functionName: "test",
    getRemainingTimeInMillis: () => endsAt - clock.now(),
  } as unknown as Context;
}

export function connectEvent(
  connectionId: string,
  more: Partial<Pick<ConnectEvent, "headers" | "queryStringParameters">> = {},
): ConnectEvent {
  return {
    requestContext: { connectionId, eventType: "CONNECT", routeKey: "$connect" },
    isBase64Encoded: false,
    ...more,
  } as unknown as ConnectEvent;
}

export function messageEvent(connectionId: string, body: string, isBase64Encoded = false): APIGatewayProxyWebsocketEventV2 {
  return {
    requestContext: { connectionId, eventType: "MESSAGE", routeKey: "$default" },
    body,
    isBase64Encoded,
  } as unknown as APIGatewayProxyWebsocketEventV2;
}

export function streamRecord(sequence: string, image: Record<string, { S: string }> | undefined): DynamoDBRecord {
  return { eventID: `event-${sequence}`, eventName: "INSERT", dynamodb: { SequenceNumber: sequence, ...(image && { NewImage: image }) } };
}

export function queueEvent(...bodies: readonly (object | string)[]): SQSEvent {
  return {
    Records: bodies.map((body, n) => ({ messageId: `message-${n}`, body: typeof body === "string" ? body : JSON.stringify(body) })),
  } as unknown as SQSEvent;
}
