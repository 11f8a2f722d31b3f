/** Blobs: all or nothing, private by key, readable by a link until it expires (P7). */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requestKey, type Blobs } from "@streamer/core";
import { expect } from "vitest";
import type { ContractTest } from "../harness.ts";

const HOUR_MS = 3_600_000;
const utf8 = new TextDecoder();

async function read(blobs: Blobs, key: string): Promise<string | undefined> {
  const opened = await blobs.open(key);
  return opened && new Response(opened.body).text();
}

/** A body that is sent in pieces, and may fail on the way. */
async function* pieces(count: number, failAt = Infinity): AsyncGenerator<Uint8Array> {
  for (let n = 0; n < count; n += 1) {
    if (n === failAt) throw new Error("the source failed");
    yield new TextEncoder().encode(`piece ${n};`.padEnd(4_096, "."));
  }
}

export function blobsContract(test: ContractTest): void {
  test("P10 the mark of a request's links is always the same, and no other's", async ({ engine: { blobs } }) => {
    const of = (id: string) => blobs.linkMark(requestKey({ tenantId: "acme", userId: "alice" }, id));
    const marks = await Promise.all(["r1", "r2", "r1"].map(of));
    expect(marks[0]).toMatch(/^[\w-]{22,64}$/);
    expect(marks[2]).toBe(marks[0]);
    expect(marks[1]).not.toBe(marks[0]);
  });

  test("a body of any kind is read back as it was put", async ({ engine: { blobs } }) => {
    const bytes = new Uint8Array([0, 255, 1, 128]);
    const bodies = {
      text: "caf\u00e9",
      bytes,
      empty: "",
      stream: new Blob(["from a ", "stream"]).stream(),
      iterable: pieces(100),
    };
    const sizes: Record<string, number> = {};
    for (const [name, body] of Object.entries(bodies)) sizes[name] = (await blobs.put(`acme/alice/r1/${name}`, body)).sizeBytes;
    expect(sizes).toEqual({ text: 5, bytes: 4, empty: 0, stream: 13, iterable: 409_600 });
    expect(await read(blobs, "acme/alice/r1/text")).toBe("caf\u00e9");
    expect(await read(blobs, "acme/alice/r1/stream")).toBe("from a stream");
    expect(await read(blobs, "acme/alice/r1/empty")).toBe("");
    expect((await read(blobs, "acme/alice/r1/iterable"))?.slice(4_096 * 99, 4_096 * 99 + 9)).toBe("piece 99;");
    const opened = await blobs.open("acme/alice/r1/bytes");
    expect(new Uint8Array(await new Response(opened!.body).arrayBuffer())).toEqual(bytes);
    expect(await blobs.open("acme/alice/r1/nothing")).toBeUndefined();
  });

  test("a blob has its size and its content type", async ({ engine: { blobs } }) => {
    await blobs.put("a/b/c/plain", "1234");
    await blobs.put("a/b/c/report", "%PDF", { contentType: "application/pdf", filename: 'q1 "final" \u00e9.pdf' });
    const [plain, report] = [await blobs.open("a/b/c/plain"), await blobs.open("a/b/c/report")];
    await Promise.all([plain!.body.cancel(), report!.body.cancel()]);
    expect(plain).toMatchObject({ sizeBytes: 4, contentType: "application/octet-stream" });
    expect(report).toMatchObject({ sizeBytes: 4, contentType: "application/pdf" });
  });

  test("a finished local file becomes a blob", async ({ engine: { blobs } }) => {
    const folder = await mkdtemp(join(tmpdir(), "streamer-contract-"));
    try {
      await writeFile(join(folder, "out.csv"), "a,b\n1,2\n");
      expect(await blobs.putFile("a/b/c/out.csv", join(folder, "out.csv"), { contentType: "text/csv" })).toEqual({ sizeBytes: 8 });
      expect(await read(blobs, "a/b/c/out.csv")).toBe("a,b\n1,2\n");
      await expect(blobs.putFile("a/b/c/none", join(folder, "none"))).rejects.toBeDefined();
      expect(await blobs.open("a/b/c/none")).toBeUndefined();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("P7 a body that fails half way leaves nothing", async ({ engine: { blobs } }) => {
    await expect(blobs.put("a/b/c/half", pieces(100, 50))).rejects.toThrow("the source failed");
    expect(await blobs.open("a/b/c/half")).toBeUndefined();
  });

  test("P7 P8 an aborted body leaves nothing", async ({ engine: { blobs } }) => {
    const controller = new AbortController();
    const body = (async function* () {
      for await (const piece of pieces(100)) {
        yield piece;
        controller.abort(new Error("cancelled"));
      }
    })();
    await expect(blobs.put("a/b/c/half", body, { signal: controller.signal })).rejects.toThrow(/abort|cancelled/i);
    await expect(blobs.put("a/b/c/late", "text", { signal: controller.signal })).rejects.toThrow(/abort|cancelled/i);
    expect([await blobs.open("a/b/c/half"), await blobs.open("a/b/c/late")]).toEqual([undefined, undefined]);
  });

  test("P7 a body replaces the one before it, whole or not at all", async ({ engine: { blobs } }) => {
    await blobs.put("a/b/c/file", "first");
    await expect(blobs.put("a/b/c/file", pieces(20, 10))).rejects.toThrow("the source failed");
    expect(await read(blobs, "a/b/c/file")).toBeOneOf(["first", undefined]);
    await blobs.put("a/b/c/file", "second");
    expect(await read(blobs, "a/b/c/file")).toBe("second");
  });

  test("P1 a blob that was put survives the process", async (harness) => {
    await harness.engine.blobs.put("a/b/c/file", "kept");
    await harness.restart();
    expect(await read(harness.engine.blobs, "a/b/c/file")).toBe("kept");
  });

  test("P7 a signed link works without a token until it expires", async ({ engine: { blobs }, clock, download }) => {
    await blobs.put("a/b/c/file", "for you");
    const { url, expiresAt } = await blobs.sign("a/b/c/file", HOUR_MS);
    expect(expiresAt).toBe(clock.now() + HOUR_MS);
    await clock.advance(HOUR_MS - 1_000);
    const good = await download(url);
    expect([good.status, utf8.decode(good.bytes)]).toEqual([200, "for you"]);
    await clock.advance(2_000);
    const late = await download(url);
    expect(late.status).toBeGreaterThanOrEqual(400);
    expect(late.status).toBeLessThan(500);
    expect(utf8.decode(late.bytes)).not.toContain("for you");
  });

  test("P10 a link opens its own blob alone", async ({ engine: { blobs }, download }) => {
    await blobs.put("a/b/c/mine.txt", "mine");
    await blobs.put("a/b/c/yours.txt", "yours");
    const { url } = await blobs.sign("a/b/c/mine.txt", HOUR_MS);
    const forged = [
      url.replace("mine.txt", "yours.txt"),
      `${url}0`,
      url.slice(0, -1),
      url.replace(/(?<=\?.*)\d{5}/, "99999"),
      url.split("?")[0]!,
    ];
    for (const link of forged.filter((other) => other !== url)) {
      const answer = await download(link);
      expect(answer.status, link).toBeGreaterThanOrEqual(400);
      expect(utf8.decode(answer.bytes)).not.toMatch(/^(mine|yours)$/);
    }
  });

  test("P7 removing a prefix removes its blobs, and no others", async ({ engine: { blobs } }) => {
    const keys = ["a/b/r1/x", "a/b/r1/y%2Fz", "a/b/r10/x", "a/b/r2/x", "ab/r1/x"];
    for (const key of keys) await blobs.put(key, key);
    await blobs.removeAll("a/b/r1/");
    await blobs.removeAll("a/b/nothing/");
    const left = [];
    for (const key of keys) if ((await read(blobs, key)) === key) left.push(key);
    expect(left).toEqual(["a/b/r10/x", "a/b/r2/x", "ab/r1/x"]);
  });

  test("P12 keys of any text are keys, never paths", async ({ engine: { blobs } }) => {
    const keys = ["a/b/c/..%2F..%2Fx", "a/b/c/%00", "a/b/c/con", "a/b/c/UPPER", "a/b/c/upper", `a/b/c/${"n".repeat(900)}`, "a/../b"];
    for (const key of keys) await blobs.put(key, key);
    for (const key of keys) expect(await read(blobs, key), key).toBe(key);
  });
}
