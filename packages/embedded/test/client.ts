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
  /** The first message of each type, and of each type about each request. */
  const firsts = new Map<string, ServerMessage>();
  const waiting = new Map<string, (message: ServerMessage) => void>();
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  const keep = (name: string, message: ServerMessage): void => {
    if (firsts.has(name)) return;
    firsts.set(name, message);
    waiting.get(name)?.(message);
  };
  socket.on("message", (data: Buffer) => {
    const parsed = parseServerMessage(data.toString());
    if (!parsed.ok) throw new Error(`The server sent what is no message: ${data.toString().slice(0, 200)}`);
    const { message } = parsed;
    messages.push(message);
    keep(message.type, message);
    if ("request_id" in message && message.request_id !== undefined) keep(`${message.type} ${message.request_id}`, message);
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
        const name = requestId === undefined ? type : `${type} ${requestId}`;
        const found = firsts.get(name);
        if (found) return resolve(found as never);
        const timer = setTimeout(() => {
          reject(new Error(`No "${name}" came; the last of ${messages.length} messages is ${JSON.stringify(messages.at(-1))}.`));
        }, PATIENCE_MS);
        waiting.set(name, (message) => {
          clearTimeout(timer);
          resolve(message as never);
        });
      }),
  };
}
