/** Who reads everything that is stored goes on when it is told to, and takes a refusal for now for no answer. */
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import type { ClientMessage } from "@streamer/protocol";
import { expect, it } from "vitest";
import { WebSocketServer, type WebSocket } from "ws";
import { readAll } from "./answers.ts";
import type { Stocked } from "./stock.ts";

const about = { request_id: "r1", action: "work", attempt: 1, created_at: 1, run_at: 1, timestamp: 1, recovered: true } as const;
const stockedAs = (state: Stocked["state"]): Stocked => ({
  id: "r1",
  n: 1,
  state,
  frame: { type: "request", id: "r1", action: "work", payload: {} },
});

/** Refuses each frame but pings once for now, and answers it when it comes again. */
async function startRefusing() {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "streamer.v1" });
  await once(server, "listening");
  const refused: string[] = [];
  server.on("connection", (socket) => {
    socket.on("message", (data: Buffer) => hear(socket, JSON.parse(data.toString()) as ClientMessage));
  });

  function hear(socket: WebSocket, message: ClientMessage): void {
    const say = (frame: object): void => socket.send(JSON.stringify(frame));
    const ref = "ref" in message && message.ref !== undefined ? { ref: message.ref } : undefined;
    if (message.type === "ping") {
      const limits = { message_bytes: 1_000_000, depth: 32, messages_per_second: 50 };
      const known = { protocol: "streamer.v1", server_version: "1", epoch: "e", connection_id: "c", heartbeat_ms: 60_000 };
      return say({ type: "welcome", timestamp: 1, ...known, limits });
    }
    if (!refused.includes(message.type)) {
      refused.push(message.type);
      const error = { code: "RATE_LIMITED", message: "Too much at once.", retry: { retryable: true, after_ms: 1 } };
      return say({ type: "error", timestamp: 1, error, ...(message.type === "list" ? ref : { request_id: "r1", ...ref }) });
    }
    const ended = { type: "snapshot", ...about, seq: 2, status: "COMPLETED", ended_at: 1, result: "done" };
    if (message.type === "list") return say({ type: "list", timestamp: 1, items: [], ...ref });
    if (message.type === "cancel") {
      return say({ type: "error", request_id: "r1", seq: 3, timestamp: 1, error: { code: "CANCELLED", message: "cancelled" } });
    }
    say({ ...ended, ...(message.type === "request" ? { ref: "r1" } : ref) });
    if (message.type === "subscribe") {
      say({ type: "complete", request_id: "r1", seq: 2, timestamp: 1, result: "done", metadata: { attempts: 1, queue_ms: 0, run_ms: 0 } });
    }
  }
  const { port } = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}/`, refused, close: () => server.close() };
}

it.each([
  ["ended", ["get", "subscribe", "request", "list"]],
  ["endless", ["list", "subscribe", "cancel"]],
  ["due", ["list", "subscribe"]],
] as const)("asks again what is refused for now: of what is %s", async (state, asked) => {
  const server = await startRefusing();
  try {
    const { url } = server;
    const { byQuestion } = await readAll({ url, token: "t", stocked: [stockedAs(state)], links: new Map(), isOver: () => false });
    expect(server.refused).toEqual(asked);
    expect(Array.from(byQuestion).filter(([, answer]) => answer.includes("RATE_LIMITED"))).toEqual([]);
    expect(byQuestion.get("frames that are none")).toBe("0");
  } finally {
    server.close();
  }
});
