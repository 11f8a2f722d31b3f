/**
 * `$connect`: who may open a connection. A foreign origin is refused with 403: it is not our client. So is, where CloudFront
 * stands in front, who has come around it. A token that is not
 * accepted, or a user with too many connections, opens one all the same, and is told why at its first message, because a
 * browser cannot read the answer to a refused upgrade.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2 } from "aws-lambda";
import { createVerifier, readToken, trust, type Authenticate, type ClaimMapping, type TokenRules } from "@streamer/auth";
import { SUBPROTOCOL, type WireError } from "@streamer/protocol";
import { systemChance } from "../../chance.ts";
import { systemClock } from "../../clock.ts";
import { createConnections, type StoredConnections } from "../../connections.ts";
import { createLog } from "../../log.ts";
import { createItems } from "../../dynamodb/items.ts";
import { LOOK_AHEAD_MS } from "../look-ahead.ts";
import { createIsFromEdge, type IsFromEdge } from "../edge.ts";
import { EDGE_HEADER, required, tableName, VARIABLES, type Variables } from "../settings.ts";
import { createPlaces, type Places } from "../../places.ts";
import { createDelayQueue, type DelayQueue } from "../../wakeups.ts";

export interface ConnectParts {
  readonly authenticate: Authenticate;
  readonly connections: Pick<StoredConnections, "admit">;
  readonly places: Pick<Places, "take">;
  readonly connectionsPerUser: number;
  readonly delayQueue: DelayQueue;
  readonly allowedOrigins: readonly string[];
  /** Where CloudFront stands in front. */
  readonly isFromEdge?: IsFromEdge;
  readonly now: () => number;
}

/** `$connect` carries what the upgrade request had. */
export type ConnectEvent = APIGatewayProxyWebsocketEventV2 & {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>>;
};

/** A connection that is refused lives no longer than it takes to be told why. */
const REFUSED_LIFE_MS = 60_000;

export function createConnect({
  authenticate,
  connections,
  places,
  connectionsPerUser,
  delayQueue,
  allowedOrigins,
  isFromEdge,
  now,
}: ConnectParts) {
  /** Stored first: who has a place and is not stored is taken to be gone. */
  async function letIn(connectionId: string, token: string | undefined): Promise<{ expiresAt?: number | undefined } | WireError> {
    const answer = await authenticate(token);
    if (!answer.ok) return answer.error;
    const { identity, credential } = answer;
    await connections.admit({ connectionId, ...identity, connectedAt: now() }, credential);
    return (await places.take(identity.owner, connectionId, connectionsPerUser)) ?? identity;
  }

  /** It stays for as long as it takes to be told why. */
  async function turnAway(connectionId: string, error: WireError): Promise<{ expiresAt: number }> {
    const connectedAt = now();
    const expiresAt = connectedAt + REFUSED_LIFE_MS;
    const owner = { tenantId: "refused", userId: connectionId };
    await connections.admit({ connectionId, owner, permissions: [], connectedAt, expiresAt }, { refusal: JSON.stringify(error) });
    return { expiresAt };
  }

  return async (event: ConnectEvent): Promise<APIGatewayProxyResultV2> => {
    const headers = Object.fromEntries(Object.entries(event.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
    const { origin, "sec-websocket-protocol": offered = "" } = headers;
    // Before anything is read or written: what goes around CloudFront should cost next to nothing.
    if (isFromEdge && !isFromEdge(headers[EDGE_HEADER])) return { statusCode: 403 };
    if (origin !== undefined && !allowedOrigins.includes(origin)) return { statusCode: 403 };
    const { connectionId } = event.requestContext;
    const query = new URLSearchParams(
      Object.entries(event.queryStringParameters ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
    const answer = await letIn(connectionId, readToken({ headers, url: `/?${query}` }));
    const { expiresAt } = "code" in answer ? await turnAway(connectionId, answer) : answer;
    // Later ones are found by the sweep, a minute before.
    const leftMs = expiresAt === undefined ? Infinity : expiresAt - now();
    if (leftMs <= LOOK_AHEAD_MS) await delayQueue.send({ kind: "expire", connectionId }, leftMs);
    const speaksOurs = offered.split(",").some((entry) => entry.trim() === SUBPROTOCOL);
    return { statusCode: 200, ...(speaksOurs && { headers: { "Sec-WebSocket-Protocol": SUBPROTOCOL } }) };
  };
}

/** What tokens must say. Throws where it cannot be right. */
export function tokenRules(env: Variables): TokenRules {
  const { [VARIABLES.issuer]: issuer, [VARIABLES.audience]: audience, [VARIABLES.claims]: claims } = env;
  return {
    ...(issuer && { issuer: issuer.split(",") }),
    ...(audience && { audience: audience.split(",") }),
    ...(claims && { claims: JSON.parse(claims) as ClaimMapping }),
  };
}

function fromEnvironment(): ConnectParts {
  const { env } = process;
  const keys = env[VARIABLES.jwks] ? { jwks: env[VARIABLES.jwks]! } : { publicKey: required(env, VARIABLES.publicKey) };
  const parts = { clock: systemClock, log: createLog("info", (line) => void process.stdout.write(line)) };
  const edgeSecrets = env[VARIABLES.edgeSecrets];
  const client = new DynamoDBClient({});
  const connections = createItems(client, tableName(env, "connections"));
  const places = createPlaces({ limits: createItems(client, tableName(env, "limits")), connections, now: systemClock.now });
  return {
    authenticate: createVerifier(trust(keys, parts), tokenRules(env), parts),
    connections: createConnections({ items: connections, places, makeId: systemChance.makeId }),
    places,
    connectionsPerUser: Number(required(env, VARIABLES.connectionsPerUser)),
    delayQueue: createDelayQueue(new SQSClient({}), required(env, VARIABLES.delayQueueUrl)),
    allowedOrigins: (env[VARIABLES.allowedOrigins] ?? "").split(",").filter((origin) => origin !== ""),
    ...(edgeSecrets && { isFromEdge: createIsFromEdge(edgeSecrets) }),
    now: systemClock.now,
  };
}

let connect: ReturnType<typeof createConnect> | undefined;
export const handler = (event: ConnectEvent): Promise<APIGatewayProxyResultV2> => (connect ??= createConnect(fromEnvironment()))(event);
