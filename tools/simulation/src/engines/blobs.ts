/** Files of a simulated store, in memory: they outlive processes, as a folder would. */
import { hash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import type { BlobBody, Blobs, Clock } from "@streamer/core";
import { hashOf } from "../chance.ts";

export interface MemoryBlobs {
  port(clock: Clock): Blobs;
  keys(): readonly string[];
  /** What a link opens, without a token: undefined when it opens nothing at that time. */
  download(url: string, now: number): Uint8Array | undefined;
}

interface Stored {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
}

const HOST = "http://files.test/";
const encoder = new TextEncoder();

async function read(body: BlobBody, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof body === "string") return encoder.encode(body);
  if (body instanceof Uint8Array) return Uint8Array.from(body);
  const pieces: Uint8Array[] = [];
  for await (const piece of body) {
    signal?.throwIfAborted();
    pieces.push(typeof piece === "string" ? encoder.encode(piece) : piece);
  }
  return Uint8Array.from(Buffer.concat(pieces));
}

/** No secret: nobody forges a link in the simulation but to see that it opens nothing. */
const linkTo = (key: string, expiresAt: number): string =>
  `${HOST}${encodeURIComponent(key)}?expires=${expiresAt}&seal=${hashOf(`${key} ${expiresAt}`)}`;

export function createMemoryBlobs(): MemoryBlobs {
  const stored = new Map<string, Stored>();

  return {
    keys: () => Array.from(stored.keys()),
    download: (url, now) => {
      const { pathname, searchParams } = new URL(url);
      const key = decodeURIComponent(pathname.slice(1));
      const expiresAt = Number(searchParams.get("expires"));
      return url === linkTo(key, expiresAt) && expiresAt > now ? stored.get(key)?.bytes : undefined;
    },
    port: (clock) => {
      const put: Blobs["put"] = async (key, body, { contentType = "application/octet-stream", signal } = {}) => {
        signal?.throwIfAborted();
        const bytes = await read(body, signal);
        signal?.throwIfAborted();
        stored.set(key, { bytes, contentType });
        return { sizeBytes: bytes.length };
      };
      return {
        put,
        putFile: async (key, path, options) => {
          const written = await put(key, await readFile(path), options);
          await rm(path);
          return written;
        },
        open: async (key) => {
          const blob = stored.get(key);
          if (!blob) return undefined;
          const { bytes, contentType } = blob;
          return { body: new Blob([bytes]).stream(), sizeBytes: bytes.length, contentType };
        },
        sign: async (key, expiresInMs) => {
          const expiresAt = clock.now() + expiresInMs;
          return { url: linkTo(key, expiresAt), expiresAt };
        },
        linkMark: async (request) => hash("sha256", `mark ${request}`, "base64url"),
        removeAll: async (prefix) => {
          for (const key of stored.keys()) if (key.startsWith(prefix)) stored.delete(key);
        },
      };
    },
  };
}
