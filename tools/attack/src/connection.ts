/** A connection that keeps to no rule: it sends what it is given, and counts what it hears. */
import { connect as connectTcp, type Socket } from "node:net";
import { parseServerMessage, SUBPROTOCOL, type ClientMessage, type ServerMessage } from "@streamer/protocol";
import { WebSocket } from "ws";
import type { Role, Target } from "./target.ts";

export interface Connection {
  readonly isOpen: boolean;
  /** Present once it is closed, or was never let in. */
  readonly closed: { readonly code: number; readonly reason: string } | undefined;
  /** Frames heard, by `type`, and by code where it is `error`. */
  readonly heard: ReadonlyMap<string, number>;
  /** Bytes that were sent and have not left this process. */
  readonly bufferedBytes: number;
  send(frame: ClientMessage | string | Buffer): void;
  /** Sends, and resolves with the first frame that answers it (or undefined: closed, or nothing within `withinMs`). */
  ask(message: ClientMessage, withinMs?: number): Promise<ServerMessage | undefined>;
  close(): void;
}

export interface OpenTerms {
  /** Called with each frame as it came. */
  readonly onText?: (text: string) => void;
}

const ANSWERED_WITHIN_MS = 30_000;
const ENDS: ReadonlySet<string> = new Set(["response", "error", "complete"]);

/** True when `heard` answers `asked`: by its ref, or as the answer or the end of its request. */
function isAnswer(asked: ClientMessage, heard: ServerMessage): boolean {
  if (asked.type === "request") return "request_id" in heard && heard.request_id === asked.id && ENDS.has(heard.type);
  return "ref" in asked && asked.ref !== undefined && "ref" in heard && heard.ref === asked.ref;
}

/** Resolves when it is open, or was refused. */
export async function open(target: Target, role: Role | { readonly token: string }, { onText }: OpenTerms = {}): Promise<Connection> {
  const token = typeof role === "string" ? target.tokens[role] : role.token;
  const socket = new WebSocket(target.url, [SUBPROTOCOL], {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    skipUTF8Validation: true,
  });
  const heard = new Map<string, number>();
  const waiting = new Set<(message: ServerMessage | undefined) => void>();
  let closed: Connection["closed"];
  const { promise: opened, resolve } = Promise.withResolvers<void>();
  const end = (code: number, reason: string): void => {
    closed ??= { code, reason };
    resolve();
    for (const answer of waiting) answer(undefined);
  };
  socket.on("open", () => resolve());
  socket.on("error", (error) => end(0, error.message));
  socket.on("close", (code, reason) => end(code, reason.toString()));
  socket.on("message", (data: Buffer) => {
    const text = data.toString();
    onText?.(text);
    const parsed = parseServerMessage(text);
    const name = !parsed.ok ? "unreadable" : parsed.message.type === "error" ? parsed.message.error.code : parsed.message.type;
    heard.set(name, (heard.get(name) ?? 0) + 1);
    if (parsed.ok) for (const answer of waiting) answer(parsed.message);
  });
  await opened;
  return {
    get isOpen() {
      return socket.readyState === WebSocket.OPEN;
    },
    get closed() {
      return closed;
    },
    heard,
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    send: (frame) => {
      if (socket.readyState === WebSocket.OPEN)
        socket.send(typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
    },
    ask: (message, withinMs = ANSWERED_WITHIN_MS) =>
      new Promise((settle) => {
        const answer = (said: ServerMessage | undefined): void => {
          if (said !== undefined && !isAnswer(message, said)) return;
          waiting.delete(answer);
          clearTimeout(timer);
          settle(said);
        };
        const timer = setTimeout(() => answer(undefined), withinMs);
        if (socket.readyState !== WebSocket.OPEN) return answer(undefined);
        waiting.add(answer);
        socket.send(JSON.stringify(message));
      }),
    close: () => socket.terminate(),
  };
}

/** A bare TCP connection to the target, with what was heard on it. */
export interface Wire {
  readonly socket: Socket;
  readonly isClosed: boolean;
  /** What came first, at most. */
  readonly head: string;
}

const HEAD_LENGTH = 4_096;

export function dial({ httpUrl }: Target): Wire {
  const { hostname, port, protocol } = new URL(httpUrl);
  const socket = connectTcp(Number(port || (protocol === "https:" ? 443 : 80)), hostname);
  let isClosed = false;
  let head = "";
  socket.on("error", () => {});
  socket.on("close", () => (isClosed = true));
  socket.on("data", (data: Buffer) => {
    if (head.length < HEAD_LENGTH) head += data.toString("latin1");
  });
  return {
    socket,
    get isClosed() {
      return isClosed;
    },
    get head() {
      return head;
    },
  };
}

/** The request that asks for a WebSocket. */
export function handshake({ httpUrl }: Target, token?: string): string {
  const lines = [
    "GET / HTTP/1.1",
    `Host: ${new URL(httpUrl).host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Protocol: ${SUBPROTOCOL}`,
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

const MASK = Buffer.from([1, 2, 3, 4]);

/** A masked text frame; `fin` false: the rest of the message is to follow. */
export function textFrame(payload: Buffer, fin = true): Buffer {
  const head = Buffer.alloc(10);
  head[0] = (fin ? 0x80 : 0) | 1;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  const masked = Buffer.from(payload);
  for (let at = 0; at < masked.length; at += 1) masked[at]! ^= MASK[at & 3]!;
  return Buffer.concat([head, MASK, masked]);
}
