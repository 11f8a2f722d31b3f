/**
 * Files under the data folder. A file is named by the hash of its key, never by the key, which a client had a say in.
 * A body is written beside its place, sealed (sealed-file.ts), synced, and renamed: nothing half written is ever readable, and what a crash
 * leaves behind is removed at the next start. The `blobs` table knows what kind of file each is, and finds those of one
 * request when they are to go.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, copyFile, lstat, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { FILE_BYTES, requestIdOf, StreamerError, type Blobs, type PutOptions } from "@streamer/core";
import { sync, writeBody } from "./blobs/body-file.ts";
import { openSealed, sealFile, SEALED_SUFFIX } from "./blobs/sealed-file.ts";
import type { LinkSigner } from "./blobs/links.ts";
import { checksumOf } from "./sqlite/checksums.ts";
import { dataLoss } from "./sqlite/damage.ts";
import type { Store } from "./sqlite/store.ts";

export interface BlobFile {
  readonly sizeBytes: number;
  /** The bytes from `start` to `end`, both included. Throws DATA_LOSS instead of any that are wrong. */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
  readonly contentType: string;
  readonly filename: string;
  /** Changes with the body: a download resumed over a replaced file starts anew. */
  readonly etag: string;
}

export interface FileBlobs extends Blobs {
  /** The file behind a link's name. Rejects with DATA_LOSS when what is known of it is damaged. */
  find(name: string): Promise<BlobFile | undefined>;
}

interface BlobRow {
  readonly key: string;
  readonly name: string;
  readonly content_type: string;
  readonly filename: string;
  readonly sum: number | null;
}

/** A file of before there were checksums. */
const asItIs = (path: string, sizeBytes: number): Pick<BlobFile, "sizeBytes" | "read"> => ({
  sizeBytes,
  read: (start, end) => (end < start ? Readable.from([]) : createReadStream(path, { start, end })),
});

const HIGHEST = "\u{10FFFF}";

/** The name of a blob in links and on disk. */
const blobName = (key: string): string => createHash("sha256").update(key).digest("hex");

export async function createBlobs({ db, write, clock, damage, usage }: Store, dataFolder: string, links: LinkSigner): Promise<FileBlobs> {
  const folder = join(dataFolder, "blobs");
  const temporaryFolder = join(folder, "partial");
  await rm(temporaryFolder, { recursive: true, force: true });
  await mkdir(temporaryFolder, { recursive: true, mode: 0o700 });

  const upsert = db.prepare("INSERT OR REPLACE INTO blobs (key, name, content_type, filename, bytes, sum) VALUES (?, ?, ?, ?, ?, ?)");
  const byName = db.prepare("SELECT * FROM blobs WHERE name = ?");
  const byPrefix = db.prepare("SELECT key FROM blobs WHERE key >= ? AND key < ?");
  const remove = db.prepare("DELETE FROM blobs WHERE key = ? RETURNING bytes");
  const bytesOf = db.prepare("SELECT bytes FROM blobs WHERE key = ?");
  const charge = db.prepare("UPDATE requests SET bytes = bytes + ? WHERE key = ? RETURNING tenant, user");
  /** Counts a file for its request; one whose request is gone is on its way out. */
  const count = (key: string, bytes: number): void => {
    const row = charge.get(bytes, key.slice(0, key.lastIndexOf("/"))) as { readonly tenant: string; readonly user: string } | undefined;
    if (row) usage.add(row.tenant, row.user, bytes);
  };
  const pathOf = (name: string): string => join(folder, name.slice(0, 2), name);
  let made = 0;
  const temporary = (): string => join(temporaryFolder, String((made += 1)));

  /** Gives a sealed file its place. The row comes first: a file is never there without one that can find it. */
  const place = async (
    key: string,
    { from, sizeBytes }: { readonly from: string; readonly sizeBytes: number },
    { contentType = "application/octet-stream", filename }: PutOptions,
  ): Promise<void> => {
    const name = blobName(key);
    const path = pathOf(name);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const shownAs = (filename ?? decodeURIComponent(key.slice(key.lastIndexOf("/") + 1))).toWellFormed();
    await write(() => {
      const before = (bytesOf.get(key)?.["bytes"] as number | undefined) ?? 0;
      const bytes = FILE_BYTES + sizeBytes;
      upsert.run(key, name, contentType, shownAs, bytes, checksumOf([key, name, contentType, shownAs]));
      count(key, bytes - before);
    });
    await rename(from, path + SEALED_SUFFIX);
    await rm(path, { force: true });
    await sync(dirname(path));
  };

  const find = async (name: string): Promise<BlobFile | undefined> => {
    const row = damage.reading(undefined, () => byName.get(name)) as BlobRow | undefined;
    if (!row) return undefined;
    const { key, content_type: contentType, filename, sum } = row;
    const isWhole = row.name === name && blobName(key) === name && sum === checksumOf([key, name, contentType, filename]);
    damage.check(isWhole, isWhole ? "" : `record of file ${name}`);
    const path = pathOf(name);
    const stats = (await lstat(path + SEALED_SUFFIX).catch(absent)) ?? (await lstat(path).catch(absent));
    if (!stats) return undefined;
    const damaged = (): Error => damage.note(dataLoss(`file "${filename}"`, requestIdOf(key)));
    const { sizeBytes, read } = (await openSealed(path + SEALED_SUFFIX, damaged).catch(absent)) ?? asItIs(path, stats.size);
    const etag = `"${sizeBytes.toString(36)}-${Math.round(stats.mtimeMs).toString(36)}"`;
    return { sizeBytes, read, contentType, filename, etag };
  };

  return {
    find,
    put: async (key, body, options = {}) => {
      const path = temporary();
      try {
        await writeBody(path, body, options.signal);
        const sizeBytes = await sealFile(path);
        await place(key, { from: path, sizeBytes }, options);
        return { sizeBytes };
      } finally {
        await rm(path, { force: true });
      }
    },
    putFile: async (key, path, options = {}) => {
      options.signal?.throwIfAborted();
      const stats = await lstat(path);
      if (!stats.isFile()) throw new StreamerError("STORAGE_ERROR", `${path} is not a regular file; putFile stores finished files.`);
      const copy = temporary();
      try {
        await rename(path, copy).catch(async (error: NodeJS.ErrnoException) => {
          if (error.code !== "EXDEV") throw error;
          await copyFile(path, copy);
          await rm(path);
        });
        options.signal?.throwIfAborted();
        // Its maker may have made it read-only.
        await chmod(copy, 0o600);
        const sizeBytes = await sealFile(copy);
        await place(key, { from: copy, sizeBytes }, options);
        return { sizeBytes };
      } finally {
        await rm(copy, { force: true });
      }
    },
    open: async (key) => {
      const file = await find(blobName(key));
      if (!file) return undefined;
      const body = Readable.toWeb(Readable.from(file.read(0, file.sizeBytes - 1))) as ReadableStream<Uint8Array>;
      return { body, sizeBytes: file.sizeBytes, contentType: file.contentType };
    },
    sign: async (key, expiresInMs, connectionId) => {
      const expiresAt = clock.now() + expiresInMs;
      return { url: links.sign(blobName(key), expiresAt, connectionId), expiresAt };
    },
    linkMark: async (request) => links.markOf(request),
    removeAll: async (prefix) => {
      const rows = byPrefix.all(prefix, prefix + HIGHEST) as { key: string }[];
      const paths = rows.flatMap(({ key }) => [pathOf(blobName(key)), pathOf(blobName(key)) + SEALED_SUFFIX]);
      await Promise.all(paths.map((path) => rm(path, { force: true })));
      await write(() => {
        for (const { key } of rows) count(key, -((remove.get(key)?.["bytes"] as number | undefined) ?? 0));
      });
    },
  };
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
