/** The load generator's side: sockets that speak the wire protocol, as thin as can be, so that the server is the limit. */
import { once } from "node:events";
import { WebSocket } from "ws";
import { SUBPROTOCOL, type ServerMessage } from "@streamer/protocol";
import type { BenchServer } from "./server.ts";

export interface Caller {
  readonly index: number;
  send(frame: object): void;
  close(): void;
}

/** Connections opened at a time: a listen queue is short. */
const OPENING_AT_ONCE = 100;

export async function openCallers(
  { url, token }: Pick<BenchServer, "url" | "token">,
  count: number,
  onMessage: (message: ServerMessage, caller: Caller) => void,
): Promise<readonly Caller[]> {
  const callers: Caller[] = [];
  while (callers.length < count) {
    const wanted = Math.min(OPENING_AT_ONCE, count - callers.length);
    callers.push(
      ...(await Promise.all(Array.from({ length: wanted }, (_, offset) => openCaller(url, token, callers.length + offset, onMessage)))),
    );
  }
  return callers;
}

async function openCaller(
  url: string,
  token: string,
  index: number,
  onMessage: (message: ServerMessage, caller: Caller) => void,
): Promise<Caller> {
  const socket = new WebSocket(url, SUBPROTOCOL, { perMessageDeflate: false, headers: { authorization: `Bearer ${token}` } });
  const caller: Caller = { index, send: (frame) => socket.send(JSON.stringify(frame)), close: () => socket.terminate() };
  const { promise: welcomed, resolve } = Promise.withResolvers<void>();
  socket.on("message", (data: Buffer) => {
    const message = JSON.parse(data.toString()) as ServerMessage;
    if (message.type === "welcome") resolve();
    else if (message.type !== "pong") onMessage(message, caller);
  });
  await once(socket, "open");
  // A server that cannot speak first greets at the first frame.
  caller.send({ type: "ping" });
  await welcomed;
  return caller;
}

/** An error is an answer nobody planned for: the figures would not mean what they say. */
export function assertPlanned(message: ServerMessage): void {
  if (message.type === "error" || (message.type === "response" && !message.success))
    throw new Error(`Unplanned answer: ${JSON.stringify(message)}`);
}
