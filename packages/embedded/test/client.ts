/** A WebSocket client for tests: keeps every message, and waits for one with a bound. */
import { WebSocket, type ClientOptions } from "ws";
import { parseServerMessage, type ClientMessage, type ServerMessage, type ServerMessageType } from "@streamer/protocol";

export interface TestClient {
  readonly socket: WebSocket;
  readonly messages: readonly ServerMessage[];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  send(message: ClientMessage | Buffer | string): void;
  /** The first message of that type (about that request), past or to come. */
  message<T extends ServerMessageType>(type: T, requestId?: string): Promise<ServerMessage<T>>;
}

const PATIENCE_MS = 10_000;

export function connectClient(url: string, token?: string, options: ClientOptions = {}): TestClient {
  const socket = new WebSocket(url, ["streamer.v1", ...(token === undefined ? [] : [`bearer.${token}`])], options);
  const messages: ServerMessage[] = [];
  const waiting = new Set<() => void>();
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  socket.on("message", (data: Buffer) => {
    const parsed = parseServerMessage(data.toString());
    if (!parsed.ok) throw new Error(`The server sent what is no message: ${data.toString().slice(0, 200)}`);
    messages.push(parsed.message);
    for (const look of waiting) look();
  });
  socket.on("error", () => {});
  socket.on("close", (code, reason) => closed.resolve({ code, reason: reason.toString() }));
  const opened = new Promise<void>((resolve) => void socket.once("open", () => resolve()));
  return {
    socket,
    messages,
    closed: closed.promise,
    send: (message) => {
      const frame = typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message);
      void opened.then(() => socket.send(frame));
    },
    message: (type, requestId) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`No ${type} about ${requestId} came; there were ${messages.map((message) => message.type).join(", ")}.`));
        }, PATIENCE_MS);
        const look = (): void => {
          const found = messages.find(
            (message) =>
              message.type === type && (requestId === undefined || ("request_id" in message && message.request_id === requestId)),
          );
          if (!found) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found as never);
        };
        waiting.add(look);
        look();
      }),
  };
}
