/** `$disconnect`, when API Gateway gets to it: nothing is sent to the connection any more, and what it followed is forgotten. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2 } from "aws-lambda";
import type { Connections, Subscriptions } from "@streamer/core";
import { systemChance } from "../../chance.ts";
import { systemClock } from "../../clock.ts";
import { createConnections } from "../../connections.ts";
import { createItems } from "../../dynamodb/items.ts";
import { createPlaces } from "../../places.ts";
import { tableName } from "../settings.ts";
import { createSubscriptions } from "../../subscriptions.ts";

interface DisconnectParts {
  readonly connections: Pick<Connections, "close">;
  readonly subscriptions: Pick<Subscriptions, "dropConnection">;
}

export function createDisconnect({ connections, subscriptions }: DisconnectParts) {
  return async (event: APIGatewayProxyWebsocketEventV2): Promise<APIGatewayProxyResultV2> => {
    const { connectionId } = event.requestContext;
    await Promise.all([connections.close(connectionId), subscriptions.dropConnection(connectionId)]);
    return { statusCode: 200 };
  };
}

function fromEnvironment(): DisconnectParts {
  const client = new DynamoDBClient({});
  const items = (table: "connections" | "subscriptions" | "limits") => createItems(client, tableName(process.env, table));
  const connections = items("connections");
  const places = createPlaces({ limits: items("limits"), connections, now: systemClock.now });
  return {
    connections: createConnections({ items: connections, places, makeId: systemChance.makeId }),
    subscriptions: createSubscriptions({
      items: items("subscriptions"),
      processId: () => "disconnect",
      clock: systemClock,
      makeId: systemChance.makeId,
      // It only drops a connection, and tells nobody anything.
      tellLater: () => Promise.resolve(),
      endOf: () => Promise.resolve(undefined),
    }),
  };
}

let disconnect: ReturnType<typeof createDisconnect> | undefined;
export const handler = (event: APIGatewayProxyWebsocketEventV2): Promise<APIGatewayProxyResultV2> =>
  (disconnect ??= createDisconnect(fromEnvironment()))(event);
