/**
 * `$connect`: who may open a connection. A foreign origin is refused with 403: it is not our client. A token that is not
 * accepted opens the connection all the same, and is explained at its first message, because a browser cannot read the
 * answer to a refused upgrade.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2 } from "aws-lambda";
import { createVerifier, readToken, trust, type Authenticate } from "@streamer/auth";
import { SUBPROTOCOL } from "@streamer/protocol";
import { systemChance } from "../../chance.ts";
import { systemClock } from "../../clock.ts";
import { createConnections, type StoredConnections } from "../../connections.ts";
import { createLog } from "../../log.ts";
import { createItems } from "../../dynamodb/items.ts";
import { LOOK_AHEAD_MS } from "../look-ahead.ts";
import { required, tableName, VARIABLES } from "../settings.ts";
import { createDelayQueue, type DelayQueue } from "../../wakeups.ts";

export interface ConnectParts {
  readonly authenticate: Authenticate;
  readonly connections: StoredConnections;
  readonly delayQueue: DelayQueue;
  readonly allowedOrigins: readonly string[];
  readonly now: () => number;
}

/** `$connect` carries what the upgrade request had. */
export type ConnectEvent = APIGatewayProxyWebsocketEventV2 & {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>>;
};

/** A connection that is refused lives no longer than it takes to be told why. */
const REFUSED_LIFE_MS = 60_000;

export function createConnect({ authenticate, connections, delayQueue, allowedOrigins, now }: ConnectParts) {
  return async (event: ConnectEvent): Promise<APIGatewayProxyResultV2> => {
    const headers = Object.fromEntries(Object.entries(event.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
    const { origin, "sec-websocket-protocol": offered = "" } = headers;
    if (origin !== undefined && !allowedOrigins.includes(origin)) return { statusCode: 403 };
    const { connectionId } = event.requestContext;
    const connectedAt = now();
    const query = new URLSearchParams(
      Object.entries(event.queryStringParameters ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
    const answer = await authenticate(readToken({ headers, url: `/?${query}` }));
    if (answer.ok) await connections.admit({ connectionId, ...answer.identity, connectedAt }, answer.credential);
    else {
      const nobody = { tenantId: "refused", userId: connectionId };
      const refused = { connectionId, owner: nobody, permissions: [], connectedAt, expiresAt: connectedAt + REFUSED_LIFE_MS };
      await connections.admit(refused, { refusal: JSON.stringify(answer.error) });
    }
    const expiresAt = answer.ok ? answer.identity.expiresAt : connectedAt + REFUSED_LIFE_MS;
    // Later ones are found by the sweep, a minute before.
    if (expiresAt !== undefined && expiresAt - connectedAt <= LOOK_AHEAD_MS) {
      await delayQueue.send({ kind: "expire", connectionId }, expiresAt - connectedAt);
    }
    const speaksOurs = offered.split(",").some((entry) => entry.trim() === SUBPROTOCOL);
    return { statusCode: 200, ...(speaksOurs && { headers: { "Sec-WebSocket-Protocol": SUBPROTOCOL } }) };
  };
}

function fromEnvironment(): ConnectParts {
  const { env } = process;
  const keys = env[VARIABLES.jwks] ? { jwks: env[VARIABLES.jwks]! } : { publicKey: required(env, VARIABLES.publicKey) };
  const parts = { clock: systemClock, log: createLog("info", (line) => void process.stdout.write(line)) };
  const [issuer, audience] = [env[VARIABLES.issuer], env[VARIABLES.audience]];
  return {
    authenticate: createVerifier(trust(keys, parts), { ...(issuer && { issuer }), ...(audience && { audience }) }, parts),
    connections: createConnections(createItems(new DynamoDBClient({}), tableName(env, "connections")), systemChance.makeId),
    delayQueue: createDelayQueue(new SQSClient({}), required(env, VARIABLES.delayQueueUrl)),
    allowedOrigins: (env[VARIABLES.allowedOrigins] ?? "").split(",").filter((origin) => origin !== ""),
    now: systemClock.now,
  };
}

let connect: ReturnType<typeof createConnect> | undefined;
export const handler = (event: ConnectEvent): Promise<APIGatewayProxyResultV2> => (connect ??= createConnect(fromEnvironment()))(event);
