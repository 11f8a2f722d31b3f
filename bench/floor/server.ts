/**
 * The least that a server of our protocol can do: it answers echoes, stores jobs that do nothing and tells their end, in
 * frames that any client of ours reads. It asks for no token, checks nothing, limits nobody, numbers no events for a second
 * connection and recovers nothing.
 */
import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { SUBPROTOCOL, type ClientMessage, type ServerMessage } from "@streamer/protocol";
import { sendCorked } from "./corked.ts";
import { openFloorStore } from "./store.ts";

export interface Floor {
  readonly url: string;
  /** Takes a stream that came otherwise than by its own HTTP server. */
  upgrade(came: { readonly request: IncomingMessage; readonly stream: Duplex }): void;
  stop(): Promise<void>;
}

const LIMITS = { message_bytes: 1_048_576, depth: 64, messages_per_second: 1_000_000 };
const HEARTBEAT_MS = 30_000;
const DONE = { ok: true };

const about = (requestId: string) => ({ request_id: requestId, timestamp: Date.now() });

export async function startFloor(folder: string): Promise<Floor> {
  const store = openFloorStore(folder);
  const epoch = randomUUID();
  const http = createServer();
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });

  const welcome = (): ServerMessage<"welcome"> => ({
    type: "welcome",
    timestamp: Date.now(),
    connection_id: randomUUID(),
    epoch,
    protocol: SUBPROTOCOL,
    server_version: "floor",
    heartbeat_ms: HEARTBEAT_MS,
    limits: LIMITS,
  });

  function accept(tell: Tell, { id = "", action, payload, options }: ClientMessage<"request">): void {
    store.accept({ id, action, payload: JSON.stringify(payload) }, () => {
      tell({ type: "acknowledgment", ...about(id), seq: 1, status: "processing", message: "Accepted." });
      if (options?.delay_ms !== undefined) return;
      store.finish(id, JSON.stringify(DONE), () =>
        tell({ type: "complete", ...about(id), seq: 2, result: DONE, metadata: { attempts: 1, queue_ms: 0, run_ms: 0 } }),
      );
    });
  }
  function hear(tell: Tell, socket: WebSocket, message: ClientMessage): void {
    if (message.type === "ping") tell({ type: "pong", timestamp: Date.now() });
    else if (message.type === "subscribe") tell(pending(message.request_id));
    else if (message.type !== "request") throw new Error(`The floor knows no ${message.type}.`);
    else if (message.action === "stamps") sendStamps(tell, socket, message.id!);
    else if (message.options?.mode === "async") accept(tell, message);
    else tell({ type: "response", ...about(message.id!), success: true, data: message.payload ?? null, metadata: { processing_ms: 0 } });
  }

  sockets.on("connection", (socket) => {
    const tell: Tell = (message) => sendCorked(socket, JSON.stringify(message));
    socket.on("error", () => {});
    socket.on("message", (data: Buffer) => hear(tell, socket, JSON.parse(data.toString()) as ClientMessage));
    tell(welcome());
  });
  http.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
  await once(http, "listening");
  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    upgrade: ({ request, stream }) =>
      sockets.handleUpgrade(request, stream, Buffer.alloc(0), (socket) => void sockets.emit("connection", socket, request)),
    async stop() {
      for (const socket of sockets.clients) socket.terminate();
      http.close();
      await once(http, "close");
      store.close();
    },
  };
}

type Tell = (message: ServerMessage) => void;

/** What waits for its time: nothing else is subscribed to here. */
const pending = (requestId: string): ServerMessage<"snapshot"> => ({
  type: "snapshot",
  ...about(requestId),
  seq: 1,
  action: "noop",
  status: "PENDING",
  attempt: 0,
  created_at: Date.now(),
  recovered: true,
});

/** Passes on what a process apart says, as it says it, until the connection closes. */
function sendStamps(tell: Tell, socket: WebSocket, requestId: string): void {
  const child = fork(join(import.meta.dirname, "stamps.ts"));
  let seq = 0;
  child.on("message", (madeAt: number) => {
    seq += 1;
    tell({ type: "progress", ...about(requestId), seq, percentage: 0, attempt: 1, metadata: { made_at: madeAt } });
  });
  socket.on("close", () => child.kill());
}
