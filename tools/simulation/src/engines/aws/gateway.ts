/**
 * API Gateway: every frame is an invocation of its own, all at once. It knows who is connected, and tells a client whose
 * frame's function failed. `$disconnect` may be lost.
 */
import {
  GoneException,
  type DeleteConnectionCommandInput,
  type PostToConnectionCommandInput,
} from "@aws-sdk/client-apigatewaymanagementapi";
import { API_GATEWAY_LIMITS } from "@streamer/protocol";
import type { ServerSocket, World } from "../../engine.ts";
import { UnknownToModel } from "./dynamodb/values.ts";
import type { Invoked } from "./lambda.ts";

export interface Gateway {
  connect(socket: ServerSocket): void;
  receive(connectionId: string, text: string): void;
  disconnect(connectionId: string): void;
  /** The management API, by the name of the command. */
  execute(command: string, input: object): object;
}

interface Routes {
  readonly connect: (event: object) => Promise<Invoked>;
  readonly message: (event: object) => Promise<Invoked>;
  readonly disconnect: (event: object) => Promise<Invoked>;
}

export interface GatewayParts {
  readonly routes: Routes;
  /** Whether `$disconnect` never comes. */
  readonly isForgotten: () => boolean;
}

interface Open {
  readonly socket: ServerSocket;
  /** Frames that came before `$connect` was answered. */
  early: string[] | undefined;
}

export function createGateway(world: World, { routes, isForgotten }: GatewayParts): Gateway {
  const open = new Map<string, Open>();
  let failures = 0;

  const gone = (): GoneException => new GoneException({ message: "gone", $metadata: {} });

  async function pass(connectionId: string, body: string): Promise<void> {
    const requestContext = { connectionId, eventType: "MESSAGE", routeKey: "$default" };
    const invoked = await routes.message({ requestContext, body, isBase64Encoded: false });
    if (invoked.outcome === "answered") return;
    failures += 1;
    const error = { message: "Internal server error", connectionId, requestId: `failure-${failures}` };
    open.get(connectionId)?.socket.send(JSON.stringify(error));
  }

  async function admit(socket: ServerSocket): Promise<void> {
    const { connectionId } = socket;
    const invoked = await routes.connect({
      requestContext: { connectionId, eventType: "CONNECT", routeKey: "$connect" },
      isBase64Encoded: false,
    });
    const entry = open.get(connectionId);
    if (!entry) return void leave(connectionId);
    if (invoked.outcome === "failed") {
      open.delete(connectionId);
      return socket.cut();
    }
    const early = entry.early ?? [];
    entry.early = undefined;
    for (const text of early) void pass(connectionId, text);
  }

  async function leave(connectionId: string): Promise<void> {
    if (isForgotten()) return world.tell("gateway", `forgets to tell that ${connectionId} is gone`);
    await routes.disconnect({ requestContext: { connectionId, eventType: "DISCONNECT", routeKey: "$disconnect" }, isBase64Encoded: false });
  }

  const COMMANDS: Readonly<Record<string, (input: never) => object>> = {
    PostToConnectionCommand: ({ ConnectionId = "", Data: data }: PostToConnectionCommandInput) => {
      const entry = open.get(ConnectionId);
      if (!entry || entry.early) throw gone();
      const { socket } = entry;
      if (socket.bufferedBytes > world.channel.hardBufferBytes) {
        world.tell("gateway", `ends ${ConnectionId}, which reads too slowly`);
        open.delete(ConnectionId);
        socket.cut();
        throw gone();
      }
      socket.send(Buffer.from(data as Uint8Array).toString());
      return { $metadata: {} };
    },
    DeleteConnectionCommand: ({ ConnectionId = "" }: DeleteConnectionCommandInput) => {
      const entry = open.get(ConnectionId);
      if (!entry) throw gone();
      open.delete(ConnectionId);
      entry.socket.close(1000, "Connection Closed Normally");
      return {};
    },
  };

  return {
    connect: (socket) => {
      open.set(socket.connectionId, { socket, early: [] });
      void admit(socket);
    },
    receive: (connectionId, text) => {
      const entry = open.get(connectionId);
      if (!entry) return;
      if (Buffer.byteLength(text) > API_GATEWAY_LIMITS.messageBytes) return entry.socket.close(1009, "too large");
      if (entry.early) entry.early.push(text);
      else void pass(connectionId, text);
    },
    disconnect: (connectionId) => {
      const entry = open.get(connectionId);
      open.delete(connectionId);
      // While `$connect` is on its way there is nothing to forget yet.
      if (!entry?.early) void leave(connectionId);
    },
    execute: (command, input) => {
      const run = COMMANDS[command];
      if (!run) throw new UnknownToModel(`The call ${command} is not known.`);
      return run(input as never);
    },
  };
}
