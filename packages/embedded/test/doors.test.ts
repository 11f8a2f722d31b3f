/** What one visitor may cost others: places, bytes of unfinished messages, frames that are none, time to say what it wants. */
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startServer, type Server, type ServerOptions } from "../src/server/server.ts";
import { connectClient, type TestClient } from "./client.ts";
import { greet } from "./fixture-handlers.ts";

let folder: string;
let server: Server;
const sockets: Socket[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "streamer-doors-"));
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.stop();
  await rm(folder, { recursive: true });
});

const start = async (options: Partial<ServerOptions>): Promise<void> => {
  server = await startServer({ handlers: [greet], dataFolder: folder, logLevel: "silent", ...options });
};
const visit = async (userId: string, tenantId = "default", headers: Record<string, string> = {}): Promise<TestClient> =>
  connectClient(server.url, await server.developmentToken({ userId, tenantId }), { headers });
const isIn = async (client: Promise<TestClient>): Promise<TestClient> => {
  const there = await client;
  await there.message("welcome");
  return there;
};
const isRefused = async (client: Promise<TestClient>, what: string): Promise<void> => {
  const there = await client;
  expect((await there.message("error")).error).toMatchObject({
    code: "RATE_LIMITED",
    message: expect.stringContaining(what) as string,
    retry: { retryable: true, after_ms: 5_000 },
  });
  expect((await there.closed).code).toBe(1008);
};
const ready = async (): Promise<unknown> => (await fetch(`${server.httpUrl}/readyz`)).json();

/** A socket past its handshake, that says what no WebSocket client would. */
async function upgraded(token?: string): Promise<{ readonly socket: Socket; readonly gone: Promise<number> }> {
  const socket = connect(Number(new URL(server.httpUrl).port), "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => {});
  const begun = performance.now();
  const gone = new Promise<number>((resolve) => void socket.on("close", () => resolve(performance.now() - begun)));
  const authorization = token === undefined ? "" : `authorization: Bearer ${token}\r\n`;
  socket.write(
    `GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n${authorization}\r\n`,
  );
  await new Promise((resolve) => socket.once("data", resolve));
  return { socket, gone };
}

/** A frame of a client, masked with zeros. */
function frame(opcode: number, payload: Buffer, isLast = true): Buffer {
  const first = (isLast ? 0x80 : 0) | opcode;
  if (payload.length < 126) return Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
  const head = Buffer.alloc(14);
  head[0] = first;
  head[1] = 0xff;
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}
const TEXT = 1;
const PIECE = 0;
const unfinished = (bytes: number): Buffer => frame(TEXT, Buffer.alloc(bytes, " "), false);

it("P14 gives a user, a tenant and an address so many connections, says which is used up, and leaves the rest to others", async () => {
  await start({ connectionLimits: { perUser: 1, perTenant: 2, perAddress: 3 } });
  const ann = await isIn(visit("ann"));
  await isRefused(visit("ann"), "All 1 connections of yours");
  await isIn(visit("bob"));
  await isRefused(visit("carl"), "All 2 connections of your tenant");
  await isIn(visit("ann", "other"));
  await isRefused(visit("dora", "third"), "All 3 connections of your address");
  expect(await ready()).toEqual({ status: "ready", refused_connections: { user: 1, tenant: 1, address: 1 } });
  ann.send({ type: "request", id: "1", action: "greet", payload: { name: "Ann" } });
  await ann.message("response", "1");
  ann.socket.close();
  await ann.closed;
  await isIn(visit("carl"));
});

it("P14 a place is asked for before anything is spent on a token, and given back by those who are turned away", async () => {
  await start({ connectionLimits: { perAddress: 1 } });
  for (let n = 0; n < 5; n += 1) {
    const stranger = connectClient(server.url, "no.such.token");
    expect((await stranger.message("error")).error.code).toBe("UNAUTHORIZED");
    await stranger.closed;
  }
  await isIn(visit("ann"));
  const stranger = connectClient(server.url, "no.such.token");
  expect((await stranger.message("error")).error.code).toBe("RATE_LIMITED");
});

it("is not ready while all connections are taken", async () => {
  await start({ maxConnections: 1 });
  await isIn(visit("ann"));
  await isRefused(visit("bob"), "All 1 connections are taken");
  expect(await ready()).toMatchObject({ status: "not ready", problems: [{ name: "connections" }], refused_connections: { all: 1 } });
});

it("counts clients behind a proxy that it trusts by what the proxy says, and nobody else's word", async () => {
  await start({ connectionLimits: { perAddress: 1 }, trustedProxies: ["127.0.0.1"], publicDevelopmentKey: true });
  const behind = (address: string): Promise<TestClient> => visit("ann", "default", { "x-forwarded-for": address });
  await isIn(behind("192.0.2.7"));
  await isRefused(behind("192.0.2.7"), "of your address");
  await isRefused(behind("10.9.9.9, 192.0.2.7"), "of your address");
  await isIn(behind("192.0.2.8"));
  await isIn(behind("2001:db8:0:1::1"));
  await isRefused(behind("2001:db8:0:1:2::9"), "of your address");
  expect(await ready()).toMatchObject({ refused_connections: { address: 3 } });
});

it("P12 ends sockets of one address that say nothing, beyond its places, and others are served", async () => {
  await start({ connectionLimits: { perAddress: 1 } });
  const ann = await isIn(visit("ann"));
  const port = Number(new URL(server.httpUrl).port);
  let gone = 0;
  for (let n = 0; n < 100; n += 1) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.on("close", () => (gone += 1));
    sockets.push(socket);
  }
  await expect.poll(() => gone).toBe(100 - 64);
  ann.send({ type: "request", id: "1", action: "greet", payload: { name: "Ann" } });
  await ann.message("response", "1");
});

it("P12 who is turned away is not read: what it sends costs nothing, and it is gone in two seconds", async () => {
  await start({});
  const { socket, gone } = await upgraded();
  const piece = unfinished(3 * 1_048_576);
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < 8; n += 1) socket.write(piece);
  expect(await gone).toBeLessThan(4_000);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 * 1_048_576);
});

it("P12 messages that are not complete hold no more than one user may have, over all its connections", async () => {
  await start({ connectionLimits: { unfinishedBytesPerUser: 1_000_000 } });
  const token = await server.developmentToken({ userId: "eve" });
  const bob = await isIn(visit("bob"));
  const held = await upgraded(token);
  held.socket.write(unfinished(600_000));
  await sleep(100);
  const over = await upgraded(token);
  let told = "";
  over.socket.on("data", (chunk: Buffer) => (told += chunk.toString("latin1")));
  over.socket.write(unfinished(600_000));
  await over.gone;
  expect(told).toMatch(/RATE_LIMITED.*not complete hold more than 1000000 bytes.*after_ms/);
  // The one that was within goes on, and what its user was cut off for is counted off.
  held.socket.write(frame(PIECE, Buffer.from(" ")));
  const again = await upgraded(token);
  let answered = "";
  again.socket.on("data", (chunk: Buffer) => (answered += chunk.toString("latin1")));
  again.socket.write(Buffer.concat([unfinished(100_000), frame(PIECE, Buffer.from('{"type":"ping"}'))]));
  await expect.poll(() => answered).toContain("pong");
  bob.send({ type: "request", id: "1", action: "greet", payload: { name: "Bob" } });
  await bob.message("response", "1");
});

it("P12 over all users, who began first is ended first", async () => {
  await start({ connectionLimits: { unfinishedBytes: 1_000_000 } });
  const [first, second] = [
    await upgraded(await server.developmentToken({ userId: "a" })),
    await upgraded(await server.developmentToken({ userId: "b" })),
  ];
  first.socket.write(unfinished(600_000));
  await sleep(100);
  let told = "";
  second.socket.on("data", (chunk: Buffer) => (told += chunk.toString("latin1")));
  second.socket.write(Buffer.concat([unfinished(500_000), frame(PIECE, Buffer.from('{"type":"ping"}'))]));
  await first.gone;
  await expect.poll(() => told).toContain("pong");
});

it("P12 too many pings or pieces of messages end the connection", async () => {
  await start({ options: { admission: { messagesPerSecond: 100 } } });
  const token = await server.developmentToken({ userId: "eve" });
  for (const flood of [frame(9, Buffer.alloc(0)), frame(PIECE, Buffer.from(" "), false)]) {
    const { socket, gone } = await upgraded(token);
    let told = "";
    socket.on("data", (chunk: Buffer) => (told += chunk.toString("latin1")));
    socket.write(unfinished(1));
    for (let n = 0; n < 10; n += 1) {
      socket.write(Buffer.concat(Array.from({ length: 100 }, () => flood)));
      await sleep(10);
    }
    await gone;
    expect(told).toMatch(/RATE_LIMITED.*pings and pieces/);
  }
});

it("ends who does not say what it wants within ten seconds, and who takes longer than that to say it", async () => {
  await start({});
  const port = Number(new URL(server.httpUrl).port);
  const times = await Promise.all(
    ["", "GET / HTTP/1.1\r\nhost: x\r\n"].map(async (beginning) => {
      const socket = connect(port, "127.0.0.1");
      sockets.push(socket);
      socket.on("error", () => {});
      const begun = performance.now();
      socket.write(beginning);
      const dribble = setInterval(() => beginning !== "" && socket.write("x-a: b\r\n"), 1_000);
      socket.resume();
      await new Promise((resolve) => socket.once("close", resolve));
      clearInterval(dribble);
      return performance.now() - begun;
    }),
  );
  for (const ms of times) expect(ms).toBeLessThan(16_000);
});
