import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock } from "@streamer/contract";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../src/sqlite/database.ts";
import { createEmbeddedEngine, type EmbeddedEngine } from "../src/engine.ts";
import { serveFiles, silent } from "./harness.ts";

let dataFolder: string;
let engine: EmbeddedEngine;
let http: Server;
const clock = createManualClock();
const HOUR_MS = 3_600_000;
const baseUrl = (): string => `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
const open = async (): Promise<EmbeddedEngine> =>
  createEmbeddedEngine({ database: openDatabase(dataFolder), dataFolder, clock, log: silent, publicUrl: baseUrl, onRunnable: () => {} });

beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "streamer-files-"));
  engine = await open();
  http = createServer((request, response) => serveFiles(engine)(request, response));
  await new Promise<void>((resolve) => void http.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  engine.close();
  http.closeAllConnections();
  await new Promise<void>((resolve) => void http.close(() => resolve()));
  await rm(dataFolder, { recursive: true });
});

const link = async (key: string): Promise<string> => (await engine.blobs.sign(key, HOUR_MS)).url;
const errorOf = async (response: Response): Promise<unknown> => [
  response.status,
  ((await response.json()) as { error: { code: string } }).error.code,
];

describe("signed file links", () => {
  it("serve a download that a browser saves under its name and runs nothing of", async () => {
    await engine.blobs.put("a/b/c/x", "<script>alert(1)</script>", { contentType: "text/html", filename: 'März "report" (1).html' });
    const response = await fetch(await link("a/b/c/x"));
    expect(await response.text()).toBe("<script>alert(1)</script>");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/html",
      "content-length": "25",
      "content-disposition": `attachment; filename="M_rz _report_ (1).html"; filename*=UTF-8''M%C3%A4rz%20%22report%22%20%281%29.html`,
      "content-security-policy": "default-src 'none'; sandbox",
      "x-content-type-options": "nosniff",
    });
  });

  it("never let a stored type or name add a header", async () => {
    await engine.blobs.put("a/b/c/x", "x", { contentType: "text/html\r\nset-cookie: a=b", filename: "a\r\nset-cookie: a=b\uD800" });
    const response = await fetch(await link("a/b/c/x"));
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(response.headers.get("set-cookie")).toBeNull();
  });

  it("answer FORBIDDEN when forged, EXPIRED when late, NOT_FOUND when the file is gone", async () => {
    await engine.blobs.put("a/b/c/x", "x");
    const url = new URL(await link("a/b/c/x"));
    const forged = new URL(url);
    forged.searchParams.set("expires", String(Number(url.searchParams.get("expires")) + 1));
    expect(await errorOf(await fetch(forged))).toEqual([403, "FORBIDDEN"]);
    expect(await errorOf(await fetch(`${baseUrl()}/files/x`))).toEqual([403, "FORBIDDEN"]);
    expect(await errorOf(await fetch(`${baseUrl()}/files/%E0%A4%A`))).toEqual([400, "INVALID_MESSAGE"]);
    expect(await errorOf(await fetch(await link("a/b/c/other")))).toEqual([404, "NOT_FOUND"]);
    await clock.advance(HOUR_MS);
    expect(await errorOf(await fetch(url))).toEqual([410, "EXPIRED"]);
    const fresh = await link("a/b/c/x");
    await engine.blobs.removeAll("a/b/c/");
    expect(await errorOf(await fetch(fresh))).toEqual([404, "NOT_FOUND"]);
  });

  it("serve ranges, so that a broken download goes on, unless the file was replaced meanwhile", async () => {
    await engine.blobs.put("a/b/c/x", "0123456789");
    const url = await link("a/b/c/x");
    const get = async (range: string, more: Record<string, string> = {}): Promise<unknown> => {
      const response = await fetch(url, { headers: { range, ...more } });
      return [response.status, response.headers.get("content-range"), await response.text()];
    };
    const whole = [200, null, "0123456789"];
    expect(await get("bytes=2-4")).toEqual([206, "bytes 2-4/10", "234"]);
    expect(await get("bytes=7-")).toEqual([206, "bytes 7-9/10", "789"]);
    expect(await get("bytes=-3")).toEqual([206, "bytes 7-9/10", "789"]);
    expect(await get("bytes=5-99")).toEqual([206, "bytes 5-9/10", "56789"]);
    expect(await get("bytes=10-")).toEqual([416, "bytes */10", ""]);
    for (const odd of ["bytes=4-2", "bytes=1-2,4-5", "bytes=-", "lines=1-2"]) expect(await get(odd)).toEqual(whole);
    const etag = (await fetch(url, { method: "HEAD" })).headers.get("etag")!;
    expect(await get("bytes=2-4", { "if-range": etag })).toEqual([206, "bytes 2-4/10", "234"]);
    expect(await get("bytes=2-4", { "if-range": '"another"' })).toEqual(whole);
  });

  it("answer HEAD with the size and no body, and an empty file as empty", async () => {
    await engine.blobs.put("a/b/c/x", "0123456789");
    const head = await fetch(await link("a/b/c/x"), { method: "HEAD" });
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "10", ""]);
    await engine.blobs.put("a/b/c/empty", "");
    const empty = await fetch(await link("a/b/c/empty"));
    expect([empty.status, await empty.text()]).toEqual([200, ""]);
    expect((await fetch(await link("a/b/c/x"), { method: "POST" })).status).toBe(405);
  });
});

describe("blob files", () => {
  it("a crash in the middle of a body leaves nothing that a start does not remove", async () => {
    engine.close();
    await mkdir(join(dataFolder, "blobs", "partial"), { recursive: true });
    await writeFile(join(dataFolder, "blobs", "partial", "1"), "half");
    await mkdir(join(dataFolder, "scratch", "run-x"), { recursive: true });
    engine = await open();
    expect(await readdir(join(dataFolder, "blobs", "partial"))).toEqual([]);
    expect(await readdir(join(dataFolder, "scratch"))).toEqual([]);
  });

  it("a stored file is moved, not copied, and what is no regular file is refused", async () => {
    const { path } = await engine.scratch();
    await writeFile(join(path, "out.csv"), "1,2");
    await engine.blobs.putFile("a/b/c/out", join(path, "out.csv"));
    expect(await readdir(path)).toEqual([]);
    await expect(engine.blobs.putFile("a/b/c/out", path)).rejects.toMatchObject({ code: "STORAGE_ERROR" });
  });

  it("what is neither a file nor a health check is NOT_FOUND", async () => {
    const paths = ["/", "/files", "/%2e%2e/etc/passwd", "/files/../../link-secret", "//", "/healthz/x"];
    const statuses = await Promise.all(paths.map(async (path) => (await fetch(baseUrl() + path)).status));
    expect(statuses).toEqual(paths.map(() => 404));
    expect(await (await fetch(`${baseUrl()}/healthz`)).json()).toEqual({ status: "ok" });
    expect(await (await fetch(`${baseUrl()}/readyz`)).json()).toEqual({ status: "ready" });
  });
});
