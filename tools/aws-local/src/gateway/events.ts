/** The events that API Gateway hands to a route's function, field by field. */
import { randomBytes, randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

interface Identity {
  readonly sourceIp: string;
  readonly userAgent?: string;
}
export interface ConnectionFacts {
  readonly connectionId: string;
  readonly connectedAt: number;
  readonly identity: Identity;
  readonly stage: string;
  readonly apiId: string;
  readonly domainName: string;
}
export type EventType = "CONNECT" | "MESSAGE" | "DISCONNECT";

/** Ids look as they do on AWS: `=` at the end, `/` and `+` never within. */
export const newConnectionId = (): string => `${randomBytes(11).toString("base64url").slice(0, 15)}=`;
const extendedId = (): string => `${randomBytes(8).toString("base64url").slice(0, 11)}=`;

export function requestContext(
  connection: ConnectionFacts,
  routeKey: string,
  eventType: EventType,
  more: object = {},
): Readonly<Record<string, unknown>> & { readonly requestId: string } {
  const now = new Date();
  return {
    routeKey,
    ...more,
    eventType,
    extendedRequestId: extendedId(),
    requestTime: commonLogTime(now),
    messageDirection: "IN",
    stage: connection.stage,
    connectedAt: connection.connectedAt,
    requestTimeEpoch: now.getTime(),
    identity: connection.identity,
    requestId: randomUUID(),
    domainName: connection.domainName,
    connectionId: connection.connectionId,
    apiId: connection.apiId,
  };
}

/** Headers as the client spelled them; the last of a name counts, all of them are in the multi-value form. */
export function handshakeOf(request: IncomingMessage, url: URL): Readonly<Record<string, unknown>> {
  const multiValueHeaders: Record<string, string[]> = {};
  for (let n = 0; n < request.rawHeaders.length; n += 2)
    (multiValueHeaders[request.rawHeaders[n]!] ??= []).push(request.rawHeaders[n + 1]!);
  const forwarded = { "X-Forwarded-For": request.socket.remoteAddress ?? "", "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https" };
  for (const [name, value] of Object.entries(forwarded)) multiValueHeaders[name] = [value];
  const multiValueQueryStringParameters: Record<string, string[]> = {};
  for (const [name, value] of url.searchParams) (multiValueQueryStringParameters[name] ??= []).push(value);
  const last = (values: Record<string, string[]>): Record<string, string> =>
    Object.fromEntries(Object.entries(values).map(([name, all]) => [name, all.at(-1)!]));
  return {
    headers: last(multiValueHeaders),
    multiValueHeaders,
    ...(url.searchParams.size > 0 && { queryStringParameters: last(multiValueQueryStringParameters), multiValueQueryStringParameters }),
  };
}

/** `20/Nov/2026:12:00:00 +0000` */
function commonLogTime(at: Date): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(at.toUTCString())!;
  return `${day}/${month}/${year}:${time} +0000`;
}
