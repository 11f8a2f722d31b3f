/** The address clients are told: that they came by, if it is this machine's, and never one that leads nowhere. */
import { mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import { isIPv4, type AddressInfo } from "node:net";
import { hostname, networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineHandler, type Log } from "@streamer/core";
import { startServer, type Server, type ServerOptions } from "../src/server/server.ts";
import { attach } from "../src/server/attach.ts";
import { checkedPublicUrl, isLoopback, localAuthority, ownAddresses } from "../src/server/own-address.ts";
import { connectClient, type TestClient } from "./client.ts";

const store = defineHandler({
  action: "store",
  input: z.object({}),
  run: async (_, ctx) => ({ url: (await ctx.blobs.put("a.txt", "hello")).url }),
});

let dataFolder: string;
let server: Server | undefined;
let warnings: { readonly fields: object; readonly message: string }[];

const warn: Log["warn"] = (fields, message) => void warnings.push({ fields, message });
const log: Log = { debug: () => {}, info: () => {}, warn, error: () => {} };

beforeEach(() => {
  dataFolder = mkdtempSync(join(tmpdir(), "streamer-address-"));
  warnings = [];
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  rmSync(dataFolder, { recursive: true });
});

const start = async (more: Partial<ServerOptions> = {}): Promise<Server> =>
  (server = await startServer({ handlers: [store], dataFolder, log, ...more }));
const onEveryAddress = { host: "0.0.0.0", publicDevelopmentKey: true } as const;
const port = (): string => new URL(server!.url).port;
/** The link that a client gets which comes by `url` and says `host`. */
async function linkFor(url: string, headers: Record<string, string> = {}): Promise<string> {
  const client = connectClient(url, await server!.developmentToken({ userId: "ann" }), { headers });
  client.send({ type: "request", id: url + JSON.stringify(headers), action: "store", payload: {} });
  const { data, result } = (await Promise.race([client.message("response"), client.message("complete")])) as unknown as {
    readonly data?: { readonly url: string };
    readonly result?: { readonly url: string };
  };
  client.socket.close();
  return (data ?? result)!.url;
}

const outward = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

describe("links to files", () => {
  it("lead each client where it came by, and work there, also on every address", async () => {
    await start(onEveryAddress);
    const names = ["127.0.0.1", "localhost", ...(outward === undefined ? [] : [outward])];
    for (const name of names) {
      const link = await linkFor(`ws://${name}:${port()}`);
      expect(new URL(link).host).toBe(`${name}:${port()}`);
      expect(await (await fetch(link)).text()).toBe("hello");
    }
    expect(warnings).toEqual([]);
    expect([server!.url, server!.httpUrl]).toEqual([`ws://127.0.0.1:${port()}`, `http://127.0.0.1:${port()}`]);
  });

  it("are the same file's for two clients that came by different addresses and follow one request", async () => {
    await start(onEveryAddress);
    const token = await server!.developmentToken({ userId: "ann" });
    const [one, other] = ["127.0.0.1", "localhost"].map((name) => connectClient(`ws://${name}:${port()}`, token));
    one!.send({ type: "request", id: "r", action: "store", payload: {}, options: { mode: "async" } });
    const { result: first } = await one!.message("complete", "r");
    other!.send({ type: "subscribe", request_id: "r" });
    const { result: second } = await other!.message("complete", "r");
    const hosts = [first, second].map((result) => new URL((result as { url: string }).url));
    expect(hosts.map(({ hostname: name }) => name)).toEqual(["127.0.0.1", "localhost"]);
    expect(hosts[0]!.pathname).toBe(hosts[1]!.pathname);
    for (const { socket } of [one!, other!]) socket.close();
  });

  it("a port that somebody mapped here is the client's own", async () => {
    await start();
    expect(new URL(await linkFor(server!.url, { host: "localhost:9000" })).host).toBe("localhost:9000");
    expect(new URL(await linkFor(server!.url, { host: `${hostname()}:9000` })).host).toBe(`${hostname().toLowerCase()}:9000`);
    expect(warnings).toEqual([]);
  });

  it.each([
    "evil.example.com",
    "203.0.113.9:8080",
    "0.0.0.0:8080",
    "[::]:8080",
    "localhost.evil.example.com",
    "localhost:80@evil.example.com",
    "localhost/evil",
    "user@localhost",
    "127.0.0.1.nip.io",
  ])("P7 a Host of %j is no address of this server: the link leads where the socket did, and the log says so", async (host) => {
    await start();
    expect(new URL(await linkFor(server!.url, { host })).host).toBe(`127.0.0.1:${port()}`);
    expect(warnings).toEqual([
      { fields: { host, told: `http://127.0.0.1:${port()}` }, message: expect.stringContaining("Set the public URL") as string },
    ]);
  });

  it("the log tells of foreign names once a minute, and of a proxy without a public URL", async () => {
    await start();
    for (const host of ["a.example.com", "b.example.com"]) await linkFor(server!.url, { host });
    expect(warnings).toHaveLength(1);
    await server!.stop();
    warnings = [];
    await start();
    await linkFor(server!.url, { "x-forwarded-for": "127.0.0.1" });
    expect(warnings).toMatchObject([{ message: expect.stringContaining("through a proxy") as string }]);
  });

  it("lead to the public URL whatever a client says", async () => {
    await start({ publicUrl: "http://localhost:9/base/" });
    expect(await linkFor(server!.url, { host: "evil.example.com" })).toMatch(/^http:\/\/localhost:9\/base\/files\//);
    expect(warnings).toEqual([]);
  });
});

it("attached to a server of others that listens everywhere, the development key is for this machine's programs alone", async () => {
  const http = createServer().listen(0, "0.0.0.0");
  await once(http, "listening");
  const attached = await attach(http, { path: "/streamer", handlers: [store], dataFolder, log });
  const token = await attached.developmentToken({ userId: "ann" });
  const { port: bound } = http.address() as AddressInfo;
  const near = connectClient(`ws://127.0.0.1:${bound}/streamer`, token);
  await near.message("welcome");
  const far = ownAddresses().filter((address) => isIPv4(address));
  for (const address of far) {
    const client = connectClient(`ws://${address}:${bound}/streamer`, token);
    expect((await client.message("error")).error).toMatchObject({
      code: "UNAUTHORIZED",
      message: expect.stringContaining("its own machine alone") as string,
    });
    const described = await fetch(`http://${address}:${bound}/streamer/asyncapi.json`, { headers: { authorization: `Bearer ${token}` } });
    expect(described.status).toBe(401);
  }
  near.send({ type: "request", id: "1", action: "store", payload: {}, options: { mode: "async" } });
  const { result } = await near.message("complete", "1");
  expect((result as { readonly url: string }).url).toMatch(`http://127.0.0.1:${bound}/streamer/files/`);
  near.socket.close();
  await attached.stop();
  http.close();
});

it("the development key is not for who comes through a proxy or a tunnel on this machine", async () => {
  await start();
  const token = await server!.developmentToken({ userId: "ann" });
  const comes = (hops: string): TestClient => connectClient(server!.url, token, { headers: { "x-forwarded-for": hops } });
  for (const hops of ["203.0.113.7", "127.0.0.1, 203.0.113.7", "203.0.113.7, ::1", "unknown"])
    expect((await comes(hops).message("error")).error).toMatchObject({ code: "UNAUTHORIZED" });
  const near = comes("127.0.0.1, ::1");
  await near.message("welcome");
  near.socket.close();
  await server!.stop();
  await start({ publicDevelopmentKey: true });
  const known = comes("203.0.113.7");
  await known.message("welcome");
  known.socket.close();
});

it("/asyncapi.json says the address it was asked by", async () => {
  await start(onEveryAddress);
  const token = await server!.developmentToken({ userId: "ann" });
  for (const name of ["127.0.0.1", "localhost"]) {
    const answer = await fetch(`http://${name}:${port()}/asyncapi.json`, { headers: { authorization: `Bearer ${token}` } });
    expect(await answer.json()).toMatchObject({ servers: { socket: { host: `${name}:${port()}` } } });
  }
});

it.each([
  [{ host: "0.0.0.0" }, /reached by others.*jwks, publicKey or secret.*publicDevelopmentKey/],
  [{ host: "::" }, /reached by others/],
  [{ host: "192.0.2.1" }, /reached by others/],
  [{ host: "streamer.example.com" }, /reached by others/],
  [{ publicUrl: "https://streamer.example.com" }, /https:\/\/streamer\.example\.com is reached by others/],
  [{ publicUrl: "http://0.0.0.0:8080" }, /leads nowhere/],
  [{ publicUrl: "http://[::]" }, /leads nowhere/],
  [{ publicUrl: "streamer.example.com" }, /is no public URL/],
  [{ publicUrl: "ftp://localhost" }, /is no public URL/],
  [{ publicUrl: "https://anna:secret@localhost" }, /is no public URL/],
  [{ publicUrl: "http://localhost?x" }, /is no public URL/],
])("the development key is for this machine alone, and an address for clients to use: %j is refused", async (more, problem) => {
  await expect(start(more)).rejects.toThrow(problem);
});

it.each([
  [{ address: "0.0.0.0", port: 1 }, "127.0.0.1:1"],
  [{ address: "::", port: 1 }, "localhost:1"],
  [{ address: "10.0.0.1", port: 1 }, "10.0.0.1:1"],
  [{ address: "fe80::1%eth0", port: 1 }, "[fe80::1]:1"],
])("%j is reached on this machine at %s", (address, url) => expect(localAuthority(address)).toBe(url));

it("knows what only this machine reaches", () => {
  const local = ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "app.localhost", "::ffff:127.0.0.1"];
  const others = ["0.0.0.0", "::", "10.0.0.1", "", "localhost.example.com", "127.0.0.1.nip.io"];
  expect(local.filter((host) => !isLoopback(host))).toEqual([]);
  expect(others.filter((host) => isLoopback(host))).toEqual([]);
  expect(checkedPublicUrl("HTTPS://A.example.com/x/")).toBe("https://a.example.com/x");
});
