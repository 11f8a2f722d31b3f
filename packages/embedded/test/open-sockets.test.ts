/** What an open socket is told first, and what it costs while it is open. */
import { IncomingMessage } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { queryObjects } from "node:v8";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as ws from "ws";
import { pathnameOf } from "../src/server/base-path.ts";
import { startServer, type Server } from "../src/server/server.ts";
import { createTextFrames } from "../src/server/text-frames.ts";
import { connectClient } from "./client.ts";
import { greet } from "./fixture-handlers.ts";

/** Exported, and in no types. */
const { Receiver } = ws as unknown as { Receiver: new (options: { readonly isServer: boolean }) => Writable };

let folder: string;
let server: Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "streamer-sockets-"));
  server = await startServer({ handlers: [greet], dataFolder: folder, logLevel: "silent" });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

/** Upgrades, and says `ping` in the same packet. Returns what comes back, write by write, until it has been answered. */
async function pingAtOnce(token: string): Promise<readonly string[]> {
  const socket = connect(Number(new URL(server.httpUrl).port), "127.0.0.1");
  const payload = Buffer.from('{"type":"ping"}');
  const upgrade = [
    "GET / HTTP/1.1",
    "host: x",
    "upgrade: websocket",
    "connection: upgrade",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    `authorization: Bearer ${token}`,
    "\r\n",
  ].join("\r\n");
  socket.write(Buffer.concat([Buffer.from(upgrade), Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
  const chunks: string[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk.toString("latin1"));
    if (chunks.join("").includes("pong")) break;
  }
  socket.destroy();
  return chunks;
}

it("§2.3 who is welcome hears so first, and with the answer to the upgrade, whatever came behind the request", async () => {
  const chunks = await pingAtOnce(await server.developmentToken({ userId: "ann" }));
  expect(chunks[0]).toMatch(/^HTTP\/1\.1 101 .*"type":"welcome"/s);
  expect(chunks.join("")).toMatch(/"type":"welcome".*"type":"pong"/s);
});

it("keeps nothing of the request that a socket came by", async () => {
  const count = (): number => queryObjects(IncomingMessage, { format: "count" });
  const before = count();
  const token = await server.developmentToken({ userId: "ann" });
  const clients = Array.from({ length: 40 }, () => connectClient(server.url, token));
  await Promise.all(clients.map((client) => client.message("welcome")));
  // A few are those of the clients, and of sockets that Node has not let go of yet.
  expect(count() - before).toBeLessThan(10);
  for (const client of clients) client.socket.close();
  await Promise.all(clients.map((client) => client.closed));
});

it("frames texts as the standard has it, and a text that goes to many once", async () => {
  const frameOf = createTextFrames();
  const text = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom(124, 125, 126, 65_534, 65_535, 65_536).map((length) => "é".repeat(length)),
  );
  await fc.assert(
    fc.asyncProperty(text, async (sent) => {
      const receiver = new Receiver({ isServer: false });
      const read = new Promise((resolve, reject) => {
        receiver.on("message", (data: Buffer) => resolve(data.toString()));
        receiver.on("error", reject);
      });
      receiver.write(frameOf(sent));
      expect(await read).toBe(sent);
      expect(frameOf(sent)).toBe(frameOf(sent));
    }),
  );
});

it("reads the path of a request as addresses are read", () => {
  const sign = fc.constantFrom("/", "a", "Z", "0", ".", "..", "%2e", "?", "#", "\\", "-", "_", "~", ":", "@", " ", "é", "//", "http://x");
  fc.assert(
    fc.property(fc.array(sign, { maxLength: 8 }), (signs) => {
      for (const url of [signs.join(""), `/${signs.join("")}`])
        expect([url, pathnameOf(url)]).toEqual([url, URL.parse(url, "http://localhost")?.pathname]);
    }),
    { numRuns: 2_000 },
  );
});
