/** Streamer on somebody's own HTTP server, beside routes and WebSockets of theirs. */
import { mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { createServer, request as ask, type IncomingMessage, type RequestListener, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket, WebSocketServer } from "ws";
import { afterEach, beforeEach, expect, it } from "vitest";
import { connect } from "@streamer/client";
import { attach, type AttachOptions } from "../src/server/attach.ts";
import type { Server } from "../src/server/server.ts";
import { connectClient } from "./client.ts";
import { gates, greet, hold } from "./fixture-handlers.ts";

let folder: string;
let http: HttpServer;
const attached: Server[] = [];
const theirs: string[] = [];

const answerTheirs: RequestListener = ({ method, url }, response) => {
  theirs.push(`${method} ${url}`);
  response.end("theirs");
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "streamer-attach-"));
  theirs.length = 0;
});
afterEach(async () => {
  await Promise.all(attached.splice(0).map((one) => one.stop()));
  http.closeAllConnections();
  await new Promise<void>((resolve) => void http.close(() => resolve()));
  rmSync(folder, { recursive: true, force: true });
});

async function listening(server: HttpServer): Promise<HttpServer> {
  http = server;
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}
async function attachTo(server: HttpServer, path: string, more: Partial<AttachOptions> = {}): Promise<Server> {
  const options = {
    handlers: [greet, hold],
    dataFolder: join(folder, path.replaceAll("/", "_") || "root"),
    logLevel: "silent",
    stopGraceMs: 100,
  } as const;
  const one = await attach(server, { path, ...options, ...more });
  attached.push(one);
  return one;
}
const baseUrl = (): string => `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
const get = async (path: string): Promise<[number, string]> => {
  const response = await fetch(baseUrl() + path);
  return [response.status, await response.text()];
};
async function greets(server: Server, name: string): Promise<unknown> {
  await using client = connect(server.url, { token: await server.developmentToken({ userId: "ann" }) });
  return await client.request("greet", { name }).result;
}
/** A server's answer to a request that would like to be a WebSocket, and is none. */
function upgradeTo(path: string): Promise<number | string> {
  const { port } = http.address() as AddressInfo;
  const headers = {
    connection: "upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  return new Promise((resolve, reject) => {
    ask({ port, host: "127.0.0.1", path, headers, agent: false })
      .on("response", (response: IncomingMessage) => resolve(response.resume().statusCode!))
      .on("upgrade", (_, socket) => {
        socket.destroy();
        resolve("upgraded");
      })
      .on("error", reject)
      .end();
  });
}

it("has the WebSocket at its path and its routes below, and leaves every other request to its owner", async () => {
  const server = await attachTo(await listening(createServer(answerTheirs)), "/streamer");
  expect([server.url, server.httpUrl]).toEqual([`${baseUrl().replace("http", "ws")}/streamer`, `${baseUrl()}/streamer`]);
  expect(await greets(server, "Ada")).toEqual({ greeting: "Hello, Ada" });
  expect(await get("/streamer/healthz")).toEqual([200, '{"status":"ok"}']);
  expect(await get("/streamer/readyz")).toEqual([200, '{"status":"ready"}']);
  expect((await get("/streamer/asyncapi.json"))[0]).toBe(401);
  expect((await fetch(`${server.httpUrl}/healthz`, { method: "POST", body: "x" })).status).toBe(405);
  expect(theirs).toEqual([]);
  for (const path of ["/", "/streamer", "/streamer/", "/streamer/x", "/healthz", "/files/x", "/streamers/healthz"])
    expect([path, await get(path)]).toEqual([path, [200, "theirs"]]);
  expect(theirs).toHaveLength(7);
});

it("signs links below its path, and serves them", async () => {
  const server = await attachTo(await listening(createServer(answerTheirs)), "/a/b");
  await server.engine.blobs.put("default/ann/r1/x.txt", "0123456789");
  const { url } = await server.engine.blobs.sign("default/ann/r1/x.txt", 60_000);
  expect(url).toMatch(`${baseUrl()}/a/b/files/`);
  expect(await (await fetch(url, { headers: { range: "bytes=2-3" } })).text()).toBe("23");
  const description = await fetch(`${server.httpUrl}/asyncapi.json`, {
    headers: { authorization: `Bearer ${await server.developmentToken({ userId: "ann" })}` },
  });
  expect(JSON.stringify(await description.json())).toContain("/a/b");
});

it("takes no upgrade of its owner's WebSockets, and they none of its, whoever came first", async () => {
  for (const isFirst of [true, false]) {
    const server = await listening(createServer(answerTheirs));
    const echo = new WebSocketServer({ noServer: true });
    echo.on("connection", (socket) => socket.on("message", (data: Buffer) => socket.send(`theirs: ${data.toString()}`)));
    // Takes whatever comes, as libraries do that know of no other.
    const takeAll = (): void =>
      void server.on("upgrade", (request, raw, head) =>
        echo.handleUpgrade(request, raw, head, (socket) => echo.emit("connection", socket)),
      );
    if (isFirst) takeAll();
    const ours = await attachTo(server, "/streamer");
    if (!isFirst) takeAll();
    expect(await greets(ours, "Ada")).toEqual({ greeting: "Hello, Ada" });
    const socket = new WebSocket(`${baseUrl().replace("http", "ws")}/chat`);
    await once(socket, "open");
    socket.send("hi");
    expect(String((await once(socket, "message"))[0])).toBe("theirs: hi");
    socket.close();
    await attached.pop()!.stop();
    if (!isFirst) continue;
    server.closeAllConnections();
    server.close();
    echo.close();
  }
});

it("makes no upgrade of a request that its owner answers as a request, nor keeps them from deciding", async () => {
  const plain = await listening(createServer(answerTheirs));
  const ours = await attachTo(plain, "/streamer");
  expect(await upgradeTo("/elsewhere")).toBe(200);
  await ours.stop();
  plain.closeAllConnections();
  plain.close();

  const deciding = await listening(
    createServer({ shouldUpgradeCallback: ({ url }) => url === "/chat" }, answerTheirs).on("upgrade", (_, socket) =>
      socket.end("HTTP/1.1 418 I am theirs\r\nconnection: close\r\n\r\n"),
    ),
  );
  const again = await attachTo(deciding, "/streamer");
  expect([await upgradeTo("/chat"), await upgradeTo("/elsewhere")]).toEqual([418, 200]);
  expect(await greets(again, "Ada")).toEqual({ greeting: "Hello, Ada" });
});

it("several stand at paths of their own, each with its own requests; one path is taken once", async () => {
  const server = await listening(createServer(answerTheirs));
  const one = await attachTo(server, "/one", { handlers: [greet] });
  const root = await attachTo(server, "/", { handlers: [greet] });
  const inner = await attachTo(server, "/one/inner", { handlers: [greet] });
  for (const each of [one, root, inner]) expect(await greets(each, each.url)).toEqual({ greeting: `Hello, ${each.url}` });
  expect(await get("/healthz")).toEqual([200, '{"status":"ok"}']);
  await expect(attach(server, { path: "/one", handlers: [greet], dataFolder: join(folder, "other"), logLevel: "silent" })).rejects.toThrow(
    'attached to this server at "/one" already',
  );
  // And left nothing open.
  await one.stop();
  await attachTo(server, "/one", { dataFolder: join(folder, "other") });
  for (const path of ["streamer", "//x", "/a b", "/a?b", "/../x", ""])
    await expect(attach(server, { path, handlers: [], dataFolder: join(folder, "none") })).rejects.toThrow('Option "path" must be');
});

it("P13 stops alone: runs are handed back, its sockets closed with 1012, and its owner's requests go on", async () => {
  const before = createServer(answerTheirs);
  const server = await listening(before);
  const { emit } = server;
  const ours = await attachTo(server, "/streamer");
  let release = (): void => {};
  server.on("request", (request, response) => {
    if (request.url === "/slow") release = () => void response.end();
  });
  const client = connectClient(ours.url, await ours.developmentToken({ userId: "ann" }));
  client.send({ type: "request", id: "1", action: "hold", payload: { gate: "attached" } });
  await client.message("acknowledgment", "1");
  theirs.length = 0;
  await ours.stop();
  expect((await client.closed).code).toBe(1012);
  expect(await get("/still")).toEqual([200, "theirs"]);
  // Its paths are its owner's again, and nothing of it is left on the server.
  expect(await get("/streamer/healthz")).toEqual([200, "theirs"]);
  expect(await upgradeTo("/streamer")).toBe(200);
  expect([server.emit === emit, server.listenerCount("upgrade"), server.listening]).toEqual([true, 0, true]);
  release();
  gates.get("attached")?.();

  // What was handed back goes on where it is attached next.
  const next = await attachTo(server, "/elsewhere", { dataFolder: join(folder, "_streamer") });
  await using again = connect(next.url, { token: await next.developmentToken({ userId: "ann" }) });
  expect(["PENDING", "PROCESSING"]).toContain((await again.get("1")).status);
});

it("a server that is closed first waits for its sockets, and is closed once it has stopped", async () => {
  const ours = await attachTo(await listening(createServer(answerTheirs)), "/streamer");
  const client = connectClient(ours.url, await ours.developmentToken({ userId: "ann" }));
  await client.message("welcome");
  let isClosed = false;
  const closed = new Promise<void>((resolve) => void http.close(() => resolve())).then(() => (isClosed = true));
  client.send({ type: "request", id: "1", action: "greet", payload: { name: "Ada" } });
  expect(await client.message("response", "1")).toMatchObject({ data: { greeting: "Hello, Ada" } });
  expect(isClosed).toBe(false);
  await ours.stop();
  expect(await closed).toBe(true);
});

it("attached to a server that does not listen yet, serves once it does; on no port it wants publicUrl", async () => {
  const server = createServer(answerTheirs);
  const ours = await attachTo(server, "/streamer");
  expect(() => ours.url).toThrow("does not listen yet");
  await listening(server);
  expect(await greets(ours, "Ada")).toEqual({ greeting: "Hello, Ada" });

  const onSocket = createServer(answerTheirs).listen(join(folder, "socket"));
  await once(onSocket, "listening");
  const unreachable = await attachTo(onSocket, "/unreachable");
  expect(() => unreachable.url).toThrow("Set publicUrl");
  const reachable = await attachTo(onSocket, "/reachable", { publicUrl: "https://app.example.com/", publicDevelopmentKey: true });
  await reachable.engine.blobs.put("default/ann/r1/x.txt", "x");
  const { url } = await reachable.engine.blobs.sign("default/ann/r1/x.txt", 60_000);
  expect(url).toMatch("https://app.example.com/reachable/files/");
  // Its file goes as it closes: not while the folder is taken away.
  await Promise.all(attached.splice(0).map((one) => one.stop()));
  await new Promise<void>((resolve) => void onSocket.close(() => resolve()));
});

it("P14 its limits of connections hold for its sockets alone", async () => {
  const ours = await attachTo(await listening(createServer(answerTheirs)), "/streamer", { connectionLimits: { perUser: 1 } });
  const token = await ours.developmentToken({ userId: "ann" });
  const first = connectClient(ours.url, token);
  await first.message("welcome");
  const second = connectClient(ours.url, token);
  expect((await second.message("error")).error).toMatchObject({ code: "RATE_LIMITED" });
  expect((await fetch(`${ours.httpUrl}/readyz`)).status).toBe(200);
  expect(await Promise.all(Array.from({ length: 20 }, () => get("/x")))).toEqual(Array.from({ length: 20 }, () => [200, "theirs"]));
  first.socket.close();
});
