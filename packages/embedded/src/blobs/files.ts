/**
 * Serves signed file links. What a handler stored may hold anything, HTML included: it is always a download, and a
 * browser that shows it nevertheless may run nothing in it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { BlobFile } from "../blobs.ts";
import type { EmbeddedEngine } from "../engine.ts";
import { FILES_PATH } from "./links.ts";
import { replyCode } from "../server/replies.ts";

export interface AskedFile {
  /** From FILES_PATH on. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export async function serveFile(
  engine: Pick<EmbeddedEngine, "blobs" | "links" | "clock">,
  { path, query, request, response }: AskedFile,
): Promise<void> {
  const name = path.slice(FILES_PATH.length);
  if (!isEncoded(name))
    return replyCode(
      response,
      "INVALID_MESSAGE",
      "The link's name is not encoded as UTF-8: it was changed on its way. Ask for the result again.",
    );
  const link = { name, expires: query.get("expires") ?? "", signature: query.get("signature") ?? "" };
  const validity = engine.links.check(link, engine.clock.now());
  if (validity === "forged")
    return replyCode(response, "FORBIDDEN", "The link's signature is not valid. Ask for the result again to get a new link.");
  if (validity === "expired") return replyCode(response, "EXPIRED", "The link has expired. Ask for the result again to get a new link.");
  const file = await engine.blobs.find(name);
  if (!file) return replyCode(response, "NOT_FOUND", "The file is gone: its request's retention has ended.");
  await send(file, request, response);
}

function isEncoded(name: string): boolean {
  try {
    return decodeURIComponent(name) !== undefined;
  } catch {
    return false;
  }
}

async function send(file: BlobFile, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const ifRange = request.headers["if-range"];
  const range = ifRange === undefined || ifRange === file.etag ? readRange(request.headers.range, file.sizeBytes) : undefined;
  response.setHeader("accept-ranges", "bytes");
  if (range === "unsatisfiable") {
    response.writeHead(416, { "content-range": `bytes */${file.sizeBytes}` }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: file.sizeBytes - 1 };
  const body = file.read(start, end)[Symbol.asyncIterator]();
  // What is damaged at once is refused by name; what is found later can only be cut off, short of its length.
  const first = request.method === "HEAD" ? undefined : await body.next();
  if (range) response.setHeader("content-range", `bytes ${start}-${end}/${file.sizeBytes}`);
  response.writeHead(range ? 206 : 200, {
    "content-type": /^[\w.+-]+\/[\w.+-]+(; ?[\w.+-]+="?[\w.+-]+"?)*$/.test(file.contentType)
      ? file.contentType
      : "application/octet-stream",
    "content-length": end - start + 1,
    "content-disposition": attachment(file.filename),
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "private, no-cache",
    etag: file.etag,
  });
  if (!first || first.done) response.end();
  else await pipeline(rejoined(first.value, body), response);
}

async function* rejoined(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** One range, as download managers ask for. Several, or nonsense, are answered with the whole file (RFC 9110 §14.2). */
function readRange(header: string | undefined, sizeBytes: number): { start: number; end: number } | "unsatisfiable" | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const [, from, to] = match as unknown as [string, string, string];
  if (from === "")
    return Number(to) === 0 || sizeBytes === 0 ? "unsatisfiable" : { start: Math.max(0, sizeBytes - Number(to)), end: sizeBytes - 1 };
  const start = Number(from);
  if (start >= sizeBytes) return "unsatisfiable";
  const end = to === "" ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  return end < start ? undefined : { start, end };
}

/** RFC 6266: a plain name for old readers, the real one beside it. */
function attachment(filename: string): string {
  const plain = filename.replaceAll(/[^\w.() -]/g, "_");
  const real = encodeURIComponent(filename.toWellFormed()).replaceAll(/['()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${real}`;
}
