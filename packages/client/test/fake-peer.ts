/**
 * A small server with dials, on a real WebSocket: what it says is up to the test, and it can stall, cut, and greet with
 * another epoch. It keeps what each connection said, so that a test can wait for it.
 */
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { WebSocketServer, type WebSocket } from "ws";
import type { ClientMessage, ServerMessage, WireError } from "@streamer/protocol";

export interface FakePeer extends AsyncDisposable {
  readonly url: string;
  /** Frames of all connections, in order, pings apart. */
  readonly heard: ClientMessage[];
  /** Subprotocols offered, per connection. */
  readonly offered: string[][];
  readonly pings: number;
  epoch: string;
  heartbeatMs: number;
  messagesPerSecond: number;
  messageBytes: number;
  /** Accept sockets and say nothing on them, not even welcome or pong. */
  stalled: boolean;
  /** Refuse each connection with this error. */
  refuseWith: WireError | undefined;
  onFrame: (message: ClientMessage) => void;
  say(message: Partial<ServerMessage> & { type: ServerMessage["type"] }): void;
  /** Cuts every connection without a goodbye. */
  cut(): void;
  /** Closes every connection, after all that was said on it. */
  end(closeCode: number): void;
  /** The first frame heard that matches, waiting for it. */
  hear(matches: (message: ClientMessage) => boolean, count?: number): Promise<ClientMessage>;
  /** Waits until `condition` holds, looked at after each frame and connection. */
  until(condition: () => boolean): Promise<void>;
}

export async function startPeer(): Promise<FakePeer> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "streamer.v1" });
  await once(server, "listening");
  const sockets = new Set<WebSocket>();
  const changes = new EventTarget();
  const changed = (): boolean => changes.dispatchEvent(new Event("change"));
  let pings = 0;
  let connections = 0;

  const peer: FakePeer = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    heard: [],
    offered: [],
    get pings() {
      return pings;
    },
    epoch: "e1",
    heartbeatMs: 60_000,
    messagesPerSecond: 1_000,
    messageBytes: 1_048_576,
    stalled: false,
    refuseWith: undefined,
    onFrame: () => undefined,
    say(message) {
      for (const socket of sockets) socket.send(JSON.stringify({ timestamp: 1_000, ...message }));
    },
    cut() {
      for (const socket of sockets) socket.terminate();
      sockets.clear();
    },
    end(closeCode) {
      for (const socket of sockets) socket.close(closeCode);
    },
    async hear(matches, count = 1) {
      await peer.until(() => peer.heard.filter(matches).length >= count);
      return peer.heard.filter(matches)[count - 1]!;
    },
    async until(condition) {
      while (!condition()) await once(changes as never, "change", { signal: AbortSignal.timeout(5_000) });
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.terminate();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };

  function greet(socket: WebSocket): void {
    connections += 1;
    const welcome: ServerMessage<"welcome"> = {
      type: "welcome",
      timestamp: 1_000,
      connection_id: `c${connections}`,
      epoch: peer.epoch,
      protocol: "streamer.v1",
      server_version: "0.0.0",
      heartbeat_ms: peer.heartbeatMs,
      limits: { message_bytes: peer.messageBytes, depth: 32, messages_per_second: peer.messagesPerSecond },
    };
    socket.send(JSON.stringify(welcome));
  }

  server.on("connection", (socket, request) => {
    peer.offered.push((request.headers["sec-websocket-protocol"] ?? "").split(",").map((entry) => entry.trim()));
    socket.on("error", () => undefined);
    if (peer.refuseWith) {
      socket.send(JSON.stringify({ type: "error", timestamp: 1_000, error: peer.refuseWith }));
      socket.close(1008, peer.refuseWith.code);
      changed();
      return;
    }
    sockets.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      changed();
    });
    socket.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString("utf8")) as ClientMessage;
      if (message.type === "ping") {
        pings += 1;
        if (!peer.stalled) socket.send(JSON.stringify({ type: "pong", timestamp: 1_000 }));
      } else {
        peer.heard.push(message);
        peer.onFrame(message);
      }
      changed();
    });
    if (!peer.stalled) greet(socket);
    changed();
  });
  return peer;
}
