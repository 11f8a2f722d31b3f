/** P13: the command waits for a server that says it is not ready, and gives up when it only ever says that. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { WebSocketServer } from "ws";
import { wireError, type WireError } from "@streamer/protocol";
import { streamerHere, type Ran } from "./in-process.ts";

/** Turns away so many connections; those after them it welcomes, and lists nothing to them. */
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "streamer.v1" });
let refusal: WireError;
let refusals = 0;
let seen = 0;

server.on("connection", (socket) => {
  const say = (frame: object): void => socket.send(JSON.stringify({ timestamp: 0, ...frame }));
  seen += 1;
  if (seen <= refusals) {
    say({ type: "error", error: refusal });
    socket.close(1012, refusal.code);
    return;
  }
  const limits = { message_bytes: 1_000, depth: 32, messages_per_second: 100 };
  say({ type: "welcome", connection_id: "c", epoch: "e", protocol: "streamer.v1", server_version: "0", heartbeat_ms: 60_000, limits });
  socket.on("message", (data: Buffer) => {
    const { type, ref } = JSON.parse(data.toString()) as { type: string; ref?: string };
    if (type === "list") say({ type: "list", items: [], ref });
  });
});

beforeAll(async () => {
  if (!server.address()) await once(server, "listening");
  // Its jitter is then nothing.
  vi.spyOn(Math, "random").mockReturnValue(0);
});
beforeEach(() => {
  seen = 0;
});
afterAll(() => {
  vi.restoreAllMocks();
  server.close();
});

const list = (): Ran =>
  streamerHere(["list", "--url", `ws://127.0.0.1:${(server.address() as AddressInfo).port}`], { env: { STREAMER_TOKEN: "a.b.c" } });

it("comes back until the server is ready", async () => {
  [refusal, refusals] = [wireError("SERVICE_UNAVAILABLE", "The server is starting."), 5];
  const ran = list();
  expect([await ran.exitCode, ran.stderr]).toEqual([0, "No such requests.\n"]);
  expect(seen).toBe(6);
});

it("says what the server says when it stays so, and exits with 4", async () => {
  [refusal, refusals] = [wireError("SERVICE_UNAVAILABLE", "The server is starting."), Infinity];
  const ran = list();
  expect(await ran.exitCode).toBe(4);
  expect(ran.stderr).toContain("The server is starting. The server said so 8 times.");
  expect(seen).toBe(8);
});

it.each(["UNAUTHORIZED", "FORBIDDEN"] as const)("asks nothing twice when it is %s", async (code) => {
  [refusal, refusals] = [wireError(code, "Not with this token."), Infinity];
  const ran = list();
  expect(await ran.exitCode).toBe(code === "UNAUTHORIZED" ? 5 : 1);
  expect(ran.stderr).toContain(`${code}: Not with this token.`);
  expect(seen).toBe(1);
});
