import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defineHandler, type Middleware } from "@streamer/core";
import { asyncApiProblems } from "@streamer/contract/asyncapi";
import type { JsonObject } from "@streamer/protocol";
import { startServer, type Server, type ServerOptions } from "../src/server/server.ts";
import { connectClient, type TestClient } from "./client.ts";
import { gates, greet, hold, isolatedHandlers } from "./fixture-handlers.ts";

let dataFolder: string;
const servers: Server[] = [];
const start = async (more: Partial<ServerOptions> = {}): Promise<Server> => {
  const server = await startServer({ handlers: [greet, hold, ...isolatedHandlers], dataFolder, logLevel: "silent", ...more });
  servers.push(server);
  return server;
};
const visit = async (server: Server, userId = "ann"): Promise<TestClient> =>
  connectClient(server.url, await server.developmentToken({ userId }));

beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "streamer-server-"));
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await rm(dataFolder, { recursive: true });
});

describe("the embedded server", () => {
  it("welcomes a client, answers at once what is quick, and queues what is not", async () => {
    const server = await start();
    const client = await visit(server);
    expect(await client.message("welcome")).toMatchObject({ epoch: server.engine.epoch, protocol: "streamer.v1" });
    expect(client.messages[0]).toMatchObject({ type: "welcome" });
    expect(client.socket.protocol).toBe("streamer.v1");
    client.send({ type: "request", id: "1", action: "greet", payload: { name: "Ann" } });
    expect(await client.message("response", "1")).toMatchObject({ success: true, data: { greeting: "Hello, Ann" } });
    client.send({ type: "request", id: "2", action: "hold", payload: { gate: "a" } });
    expect(await client.message("acknowledgment", "2")).toMatchObject({ seq: 1 });
    expect(await client.message("progress", "2")).toMatchObject({ percentage: 10 });
    gates.get("a")!();
    expect(await client.message("complete", "2")).toMatchObject({ result: { gate: "a" } });
  });

  it("tells a client by itself that a limit holds what has become due", async () => {
    const server = await start({ handlers: [{ ...hold, concurrency: { perTenant: 1 } }] });
    const client = await visit(server);
    client.send({ type: "request", id: "1", action: "hold", payload: { gate: "first" } });
    await client.message("progress", "1");
    client.send({ type: "request", id: "2", action: "hold", payload: { gate: "second" }, options: { delay_ms: 20 } });
    expect(await client.message("acknowledgment", "2")).toMatchObject({ waiting_for: "scheduled" });
    expect(await client.message("waiting", "2")).toMatchObject({ seq: 2, reason: "tenant_concurrency", position: 0 });
    gates.get("first")!();
    expect(await client.message("progress", "2")).toMatchObject({ percentage: 10 });
    gates.get("second")!();
    await client.message("complete", "2");
  });

  it("runs an isolated handler in its own process and serves what it stored", async () => {
    const server = await start({ workers: 1 });
    const client = await visit(server);
    client.send({ type: "request", id: "1", action: "work.report", payload: {} });
    const { result } = (await client.message("complete", "1")) as { result?: unknown };
    const { pid, put, file } = result as { pid: number; put: { url: string }; file: { url: string } };
    expect(pid).not.toBe(process.pid);
    expect(await (await fetch(put.url)).text()).toBe("from the worker");
    expect(await (await fetch(file.url)).text()).toBe("a file");
    expect(file.url.startsWith(server.httpUrl)).toBe(true);
  });

  it("P10 refuses an action whose permission the token lacks, and wraps each run in the middleware", async () => {
    const guarded = defineHandler({ ...greet, action: "guarded", permissions: ["reports:read"] });
    const seen: string[] = [];
    const watching: Middleware = {
      name: "watching",
      run: async ({ handler, ctx }, next) => {
        seen.push(`${handler.action} of ${ctx.request.userId} begins`);
        const result = await next();
        seen.push("ends");
        return { ...(result as object), wrapped: true };
      },
    };
    const server = await start({ handlers: [guarded], middleware: [watching] });
    const stranger = await visit(server);
    stranger.send({ type: "request", id: "1", action: "guarded", payload: { name: "Ann" } });
    expect(await stranger.message("error", "1")).toMatchObject({
      error: { code: "FORBIDDEN", message: expect.stringContaining("reports:read") },
    });
    expect(seen).toEqual([]);
    const reader = connectClient(server.url, await server.developmentToken({ userId: "bob", permissions: ["reports:read"] }));
    reader.send({ type: "request", id: "1", action: "guarded", payload: { name: "Bob" } });
    expect(await reader.message("response", "1")).toMatchObject({ data: { greeting: "Hello, Bob", wrapped: true } });
    expect(seen).toEqual(["guarded of bob begins", "ends"]);
  });

  it("P12 binary frames, nonsense and too large frames are answered, and harm nothing else", async () => {
    const server = await start({ options: { frames: { messageBytes: 1_000 } } });
    const client = await visit(server);
    client.send({ type: "request", id: "held", action: "hold", payload: { gate: "b" } });
    await client.message("progress", "held");
    client.send(Buffer.from([0, 1, 2]));
    client.send("{");
    client.send(JSON.stringify({ type: "ping", ref: "x".repeat(2_000) }));
    client.send({ type: "ping", ref: "after" });
    await client.message("pong");
    const codes = client.messages.flatMap((message) => (message.type === "error" ? [message.error.code] : []));
    expect(codes).toEqual(["INVALID_MESSAGE", "INVALID_MESSAGE", "PAYLOAD_TOO_LARGE"]);
    gates.get("b")!();
    await client.message("complete", "held");
    client.send("x".repeat(10_000));
    expect((await client.closed).code).toBe(1009);
  });

  it("P12 a client that keeps sending binary frames is closed with 1008", async () => {
    const server = await start();
    const client = await visit(server);
    for (let count = 0; count <= 100; count += 1) client.send(Buffer.from([count]));
    expect((await client.closed).code).toBe(1008);
  });

  it("refuses a missing or forged token on the socket, where every client can read it", async () => {
    const server = await start();
    for (const token of [undefined, "forged.forged.forged"]) {
      const client = connectClient(server.url, token);
      expect((await client.message("error")).error.code).toBe("UNAUTHORIZED");
      expect((await client.closed).code).toBe(1008);
      expect(client.messages).toHaveLength(1);
    }
  });

  it("accepts a token in the header and in the query", async () => {
    const server = await start();
    const token = await server.developmentToken({ userId: "ann" });
    const clients = [
      connectClient(server.url, undefined, { headers: { authorization: `Bearer ${token}` } }),
      connectClient(`${server.url}/?token=${token}`),
    ];
    const welcomes = await Promise.all(clients.map((client) => client.message("welcome")));
    expect(new Set(welcomes.map((welcome) => welcome.connection_id)).size).toBe(2);
  });

  it("closes a socket when its token expires, saying why first", async () => {
    const server = await start();
    const client = connectClient(server.url, await server.developmentToken({ userId: "ann", expiresInMs: -4_000 }));
    await client.message("welcome");
    expect((await client.message("error")).error).toMatchObject({ code: "UNAUTHORIZED", message: expect.stringContaining("expired") });
    expect(await client.closed).toEqual({ code: 1008, reason: "token expired" });
  });

  it("lets browsers in from allowed origins alone, and upgrades at its path alone", async () => {
    const server = await start({ allowedOrigins: ["https://app.example"] });
    const token = await server.developmentToken({ userId: "ann" });
    await connectClient(server.url, token, { origin: "https://app.example" }).message("welcome");
    await connectClient(server.url, token, { origin: server.httpUrl }).message("welcome");
    const statusOf = (path: string, origin?: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const headers = {
          connection: "Upgrade",
          upgrade: "websocket",
          "sec-websocket-version": "13",
          "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
        };
        httpRequest(server.httpUrl + path, { headers: { ...headers, ...(origin && { origin }) } })
          .on("response", (response) => resolve(response.resume().statusCode))
          .on("error", reject)
          .end();
      });
    expect(await statusOf("/", "https://app.example.evil")).toBe(403);
    expect(await statusOf("/", "null")).toBe(403);
    expect(await statusOf("/", `${server.httpUrl.slice(0, -1)}0`)).toBe(403);
    expect(await statusOf("/other")).toBe(404);
  });

  it("refuses connections beyond its limit", async () => {
    const server = await start({ maxConnections: 1 });
    await (await visit(server)).message("welcome");
    const second = await visit(server);
    expect((await second.message("error")).error).toMatchObject({ code: "RATE_LIMITED", retry: { after_ms: 5_000 } });
  });

  it("describes itself at /asyncapi.json to whoever may connect, and to nobody else", async () => {
    const server = await start({ publicUrl: "https://api.example.com", publicDevelopmentKey: true, upgradePath: "/ws" });
    const address = `${server.httpUrl}/asyncapi.json`;
    const token = await server.developmentToken({ userId: "alice" });
    expect((await fetch(address)).status).toBe(401);
    expect((await fetch(`${address}?token=${token}x`)).status).toBe(401);
    const answers = [await fetch(address, { headers: { authorization: `Bearer ${token}` } }), await fetch(`${address}?token=${token}`)];
    const [document, same] = (await Promise.all(answers.map((answer) => answer.json()))) as JsonObject[];
    expect(document).toEqual(same);
    expect(asyncApiProblems(document!)).toEqual([]);
    expect(document).toMatchObject({
      servers: { socket: { host: "api.example.com", protocol: "wss" } },
      channels: { socket: { address: "/ws" } },
      operations: { "request.greet": { action: "receive" } },
    });
  });

  it("P3 refuses a folder that another server has, and a port that is taken, and lets go of what it had", async () => {
    const server = await start();
    await expect(start()).rejects.toThrow(/in use by another Streamer server/);
    const other = await mkdtemp(join(tmpdir(), "streamer-server-"));
    const port = Number(new URL(server.httpUrl).port);
    await expect(start({ dataFolder: other, port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await (await start({ dataFolder: other })).stop();
    await rm(other, { recursive: true });
  });
});

describe("P13 a graceful stop", () => {
  it("refuses new work, hands back what runs, and closes sockets with 1012; the next start runs it to its end", async () => {
    const first = await start({ stopGraceMs: 50 });
    const client = await visit(first);
    client.send({ type: "request", id: "1", action: "hold", payload: { gate: "c" } });
    await client.message("progress", "1");
    const stopped = first.stop();
    expect((await fetch(`${first.httpUrl}/readyz`)).status).toBe(503);
    client.send({ type: "request", id: "2", action: "greet", payload: { name: "late" } });
    expect((await client.message("error", "2")).error).toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    await stopped;
    expect((await client.closed).code).toBe(1012);

    gates.delete("c");
    const second = await start();
    const resumed = await visit(second);
    resumed.send({ type: "subscribe", request_id: "1", after: 2 });
    await resumed.message("snapshot", "1");
    await expect.poll(() => gates.has("c")).toBe(true);
    gates.get("c")!();
    expect(await resumed.message("complete", "1")).toMatchObject({ result: { gate: "c" }, metadata: { attempts: 2 } });
  });

  it("lets a run finish within the grace, and stops at once when nothing runs", async () => {
    const server = await start();
    const client = await visit(server);
    client.send({ type: "request", id: "1", action: "hold", payload: { gate: "d" } });
    await client.message("progress", "1");
    const stopped = server.stop();
    gates.get("d")!();
    await client.message("complete", "1");
    await stopped;
    await expect(fetch(server.httpUrl)).rejects.toThrow("fetch failed");
  });

  it("stops isolated runs, too, and leaves no process behind", async () => {
    const server = await start({ stopGraceMs: 50 });
    const client = await visit(server);
    client.send({ type: "request", id: "1", action: "work.report", payload: {} });
    const { result } = await client.message("complete", "1");
    client.send({ type: "request", id: "2", action: "work.wait", payload: {} });
    await client.message("progress", "2");
    await server.stop();
    const { pid } = result as { pid: number };
    // A zombie, or nothing: no program runs under that pid any more.
    const status = existsSync(`/proc/${pid}/status`) ? await readFile(`/proc/${pid}/status`, "utf8") : "State:\tgone";
    expect(status).not.toMatch(/State:\s+[RSD]/);
  });
});
