/**
 * Socket.IO over WebSocket alone, without compression; the first HTTP request of a connection is let go, as its guide to
 * memory advises.
 */
import { createServer } from "node:http";
import { Server, type Socket } from "socket.io";
import { nowUs } from "../../../clock.ts";
import type { JobData, JobKind, Update } from "../jobs.ts";
import type { Asker, OnJob } from "../parts.ts";

class SocketIoAsker implements Asker {
  readonly #socket: Socket;
  readonly #id: number;
  constructor(socket: Socket, id: number) {
    this.#socket = socket;
    this.#id = id;
  }
  progress({ pct, ts }: Update): void {
    this.#socket.emit("progress", { id: this.#id, pct, ts });
  }
  result(value: unknown): void {
    this.#socket.emit("result", { id: this.#id, r: value });
  }
  failed(message: string): void {
    this.#socket.emit("failed", { id: this.#id, e: message });
  }
}

export function startFront({ port, onJob }: { port: number; onJob: OnJob }): Promise<void> {
  const http = createServer();
  const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false, serveClient: false });
  io.engine.on("connection", (raw) => {
    raw.request = null;
  });
  io.on("connection", (socket) => {
    socket.on("echo", (text: string, reply: (text: string) => void) => reply(text));
    socket.on("job", (kind: JobKind, data: JobData, id: number, reply: (what: "accepted", job: string) => void) => {
      const asker = new SocketIoAsker(socket, id);
      onJob(asker, kind, data).then(
        (job) => reply("accepted", job),
        (error: unknown) => asker.failed(String(error)),
      );
    });
    socket.on("cast", () => io.emit("push", { pct: 50, ts: nowUs() }));
  });
  return new Promise((resolve) => void http.listen({ port, host: "127.0.0.1", backlog: 4_096 }, resolve));
}
