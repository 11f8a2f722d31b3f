/**
 * Files under the data folder. A file is named by the hash of its key, never by the key, which a client had a say in.
 * A body is written beside its place, synced, and renamed: nothing half written is ever readable, and what a crash
 * leaves behind is removed at the next start. The `blobs` table knows what kind of file each is, and finds those of one
 * request when they are to go.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, lstat, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { StreamerError, type Blobs, type PutOptions } from "@streamer/core";
import { sync, writeBody } from "./blobs/body-file.ts";
import type { LinkSigner } from "./blobs/links.ts";
import type { Store } from "./sqlite/store.ts";

export interface BlobFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly contentType: string;
  readonly filename: string;
  /** Changes with the body: a download resumed over a replaced file starts anew. */
  readonly etag: string;
}

export interface FileBlobs extends Blobs {
  /** The file behind a link's name. */
  find(name: string): Promise<BlobFile | undefined>;
}

const HIGHEST = "\u{10FFFF}";

/** The name of a blob in links and on disk. */
const blobName = (key: string): string => createHash("sha256").update(key).digest("hex");

export async function createBlobs({ db, write, clock }: Store, dataFolder: string, links: LinkSigner): Promise<FileBlobs> {
  const folder = join(dataFolder, "blobs");
  const temporaryFolder = join(folder, "partial");
  await rm(temporaryFolder, { recursive: true, force: true });
  await mkdir(temporaryFolder, { recursive: true, mode: 0o700 });

  const upsert = db.prepare("INSERT OR REPLACE INTO blobs (key, name, content_type, filename) VALUES (?, ?, ?, ?)");
  const byKey = db.prepare("SELECT name FROM blobs WHERE key = ?");
  const byName = db.prepare("SELECT content_type, filename FROM blobs WHERE name = ?");
  const byPrefix = db.prepare("SELECT key, name FROM blobs WHERE key >= ? AND key < ?");
  const remove = db.prepare("DELETE FROM blobs WHERE key = ?");
  const pathOf = (name: string): string => join(folder, name.slice(0, 2), name);
  let count = 0;
  const temporary = (): string => join(temporaryFolder, String((count += 1)));

  /** Gives a synced file its place. The row comes first: a file is never there without one that can find it. */
  const place = async (key: string, from: string, { contentType = "application/octet-stream", filename }: PutOptions): Promise<void> => {
    const name = blobName(key);
    const path = pathOf(name);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await write(() => upsert.run(key, name, contentType, filename ?? decodeURIComponent(key.slice(key.lastIndexOf("/") + 1))));
    await rename(from, path);
    await sync(dirname(path));
  };

  const find = async (name: string): Promise<BlobFile | undefined> => {
    const row = byName.get(name) as { content_type: string; filename: string } | undefined;
    if (!row) return undefined;
    const path = pathOf(name);
    const stats = await lstat(path).catch(absent);
    if (!stats) return undefined;
    const etag = `"${stats.size.toString(36)}-${Math.round(stats.mtimeMs).toString(36)}"`;
    return { path, sizeBytes: stats.size, contentType: row.content_type, filename: row.filename, etag };
  };

  return {
    find,
    put: async (key, body, options = {}) => {
      const path = temporary();
      try {
        await writeBody(path, body, options.signal);
        const { size } = await lstat(path);
        await place(key, path, options);
        return { sizeBytes: size };
      } finally {
        await rm(path, { force: true });
      }
    },
    putFile: async (key, path, options = {}) => {
      options.signal?.throwIfAborted();
      const stats = await lstat(path);
      if (!stats.isFile()) throw new StreamerError("STORAGE_ERROR", `${path} is not a regular file; putFile stores finished files.`);
      await sync(path);
      const copy = temporary();
      try {
        await rename(path, copy).catch(async (error: NodeJS.ErrnoException) => {
          if (error.code !== "EXDEV") throw error;
          await copyFile(path, copy);
          await sync(copy);
          await rm(path);
        });
        options.signal?.throwIfAborted();
        await place(key, copy, options);
        return { sizeBytes: stats.size };
      } finally {
        await rm(copy, { force: true });
      }
    },
    open: async (key) => {
      const name = byKey.get(key)?.["name"] as string | undefined;
      const file = name === undefined ? undefined : await find(name);
      if (!file) return undefined;
      const body = Readable.toWeb(createReadStream(file.path)) as ReadableStream<Uint8Array>;
      return { body, sizeBytes: file.sizeBytes, contentType: file.contentType };
    },
    sign: async (key, expiresInMs) => {
      const expiresAt = clock.now() + expiresInMs;
      return { url: links.sign(blobName(key), expiresAt), expiresAt };
    },
    linkMark: async (request) => links.markOf(request),
    removeAll: async (prefix) => {
      const rows = byPrefix.all(prefix, prefix + HIGHEST) as { key: string; name: string }[];
      await Promise.all(rows.map(({ name }) => rm(pathOf(name), { force: true })));
      await write(() => {
        for (const { key } of rows) remove.run(key);
      });
    },
  };
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
