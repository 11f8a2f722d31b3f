/** A page of an origin that may connect reads files by `fetch`; a page of another does not. What a browser would ask, is asked. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startServer, type Server } from "../src/server/server.ts";
import { greet } from "./fixture-handlers.ts";

const OURS = "https://app.example.com";
const OTHERS = ["https://evil.example.com", "https://app.example.com.evil.example", "http://app.example.com", "null"];

let folder: string;
let server: Server;
let link: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "streamer-origins-"));
  server = await startServer({
    handlers: [greet],
    dataFolder: folder,
    logLevel: "silent",
    allowedOrigins: [OURS, "https://b.example.com"],
  });
  await server.engine.blobs.put("default/ann/r1/x.txt", "0123456789");
  ({ url: link } = await server.engine.blobs.sign("default/ann/r1/x.txt", 60_000));
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const ask = (origin: string, url: string, init: RequestInit = {}): Promise<Response> =>
  fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), origin } });
const preflight = (origin: string, url: string, headers = "range"): Promise<Response> =>
  ask(origin, url, { method: "OPTIONS", headers: { "access-control-request-method": "GET", "access-control-request-headers": headers } });
const granted = ({ headers }: Response): readonly string[] =>
  Array.from(headers.keys()).filter((name) => name.startsWith("access-control-"));

it("a file, a part of it and a refusal may be read by its own origins' pages", async () => {
  for (const [headers, status, text] of [
    [{}, 200, "0123456789"],
    [{ range: "bytes=2-4" }, 206, "234"],
    [{ range: "bytes=99-" }, 416, ""],
  ] as const) {
    const response = await ask(OURS, link, { headers });
    expect([response.status, await response.text(), response.headers.get("access-control-allow-origin")]).toEqual([status, text, OURS]);
    expect(response.headers.get("vary")).toBe("origin");
    const exposed = response.headers.get("access-control-expose-headers")!.split(", ");
    expect(exposed).toEqual(expect.arrayContaining(["content-disposition", "content-range", "etag", "accept-ranges"]));
  }
  const refused = await ask(OURS, link.replace(/.{2}$/, "__"));
  expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([403, OURS]);
});

it("a preflight is granted for what may be asked", async () => {
  for (const url of [link, `${server.httpUrl}/asyncapi.json`]) {
    const { status, headers } = await preflight(OURS, url, "authorization");
    expect([status, headers.get("access-control-allow-methods"), headers.get("access-control-allow-origin")]).toEqual([
      204,
      "GET, HEAD",
      OURS,
    ]);
    expect(headers.get("access-control-allow-headers")!.split(", ")).toEqual(
      expect.arrayContaining(["range", "if-range", "authorization"]),
    );
    expect(headers.has("access-control-allow-credentials")).toBe(false);
  }
  expect((await preflight(OURS, `${server.httpUrl}/nothing`)).status).toBe(405);
  expect((await ask(OURS, link, { method: "OPTIONS" })).status).toBe(405);
});

it("other origins are told nothing, and no origin is answered as ever", async () => {
  for (const origin of OTHERS) {
    expect([origin, granted(await ask(origin, link))]).toEqual([origin, []]);
    const asked = await preflight(origin, link);
    expect([origin, asked.status, granted(asked)]).toEqual([origin, 405, []]);
  }
  const plain = await fetch(link);
  expect([plain.status, granted(plain), plain.headers.get("vary")]).toEqual([200, [], "origin"]);
});
