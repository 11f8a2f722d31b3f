/** A WebSocket server on `ws` with a small JSON protocol: what one writes in an afternoon. */
import { createServer } from "node:http";
import { WebSocketServer, type WebSocket } from "ws";
import { nowUs } from "../../../clock.ts";
import { sendCorked } from "../../../floor/corked.ts";
import type { JobData, JobKind, Update } from "../jobs.ts";
import type { Asker, OnJob } from "../parts.ts";

type Send = (socket: WebSocket, text: string) => void;
type Said =
  | { readonly t: "echo"; readonly id: number; readonly d: string }
  | { readonly t: "job"; readonly id: number; readonly kind: JobKind; readonly d: JobData }
  | { readonly t: "cast"; readonly id: number };

class WsAsker implements Asker {
  readonly #send: Send;
  readonly #socket: WebSocket;
  readonly #id: number;
  constructor(send: Send, socket: WebSocket, id: number) {
    this.#send = send;
    this.#socket = socket;
    this.#id = id;
  }
  progress({ pct, ts }: Update): void {
    this.#send(this.#socket, JSON.stringify({ t: "progress", id: this.#id, pct, ts }));
  }
  result(value: unknown): void {
    this.#send(this.#socket, JSON.stringify({ t: "result", id: this.#id, r: value }));
  }
  failed(message: string): void {
    this.#send(this.#socket, JSON.stringify({ t: "error", id: this.#id, e: message }));
  }
}

export function startFront({ port, isCorked, onJob }: { port: number; isCorked: boolean; onJob: OnJob }): Promise<void> {
  const send: Send = isCorked ? sendCorked : (socket, text) => socket.send(text);
  const http = createServer();
  const sockets = new WebSocketServer({ server: http, path: "/ws", perMessageDeflate: false, maxPayload: 1_048_576 });

  async function submit(socket: WebSocket, { id, kind, d }: Extract<Said, { t: "job" }>): Promise<void> {
    const asker = new WsAsker(send, socket, id);
    try {
      const job = await onJob(asker, kind, d);
      send(socket, JSON.stringify({ t: "ack", id, job }));
    } catch (error) {
      asker.failed(String(error));
    }
  }
  function broadcast(id: number): void {
    const text = Buffer.from(JSON.stringify({ t: "push", id, pct: 50, ts: nowUs() }));
    for (const socket of sockets.clients) if (socket.readyState === socket.OPEN) socket.send(text, { binary: false });
  }
  function hear(socket: WebSocket, said: Said): void {
    if (said.t === "echo") send(socket, JSON.stringify({ t: "echo", id: said.id, d: said.d }));
    else if (said.t === "job") void submit(socket, said);
    else broadcast(said.id);
  }

  sockets.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.on("message", (data: Buffer) => hear(socket, JSON.parse(data.toString()) as Said));
  });
  return new Promise((resolve) => void http.listen({ port, host: "127.0.0.1", backlog: 4_096 }, resolve));
}
