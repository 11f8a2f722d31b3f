/**
 * Blobs in the bucket. A key is opaque; its folders stay folders, so that those of one request are found together. What a
 * file takes is counted for its request (P14), less what it takes the place of.
 */
import { FILE_BYTES, type Blobs, type RequestKey } from "@streamer/core";
import { hashOf } from "./dynamodb/keys.ts";
import type { Store } from "./dynamodb/store.ts";
import type { Objects } from "./s3/objects.ts";

/** Bytes an object key may have are 1,024; parts longer than this are told by their hash. */
const MAX_PART_LENGTH = 200;

/** Never "." or "..", which some clients resolve away; never longer than a key may be. */
const nameOf = (part: string): string =>
  part.length > MAX_PART_LENGTH || /^\.+$/.test(part) ? `~${hashOf(part)}` : part.replaceAll("~", "%7E");
const objectKey = (key: string): string => `blobs/${key.split("/").map(nameOf).join("/")}`;
const requestOf = (key: string): RequestKey => key.slice(0, key.lastIndexOf("/")) as RequestKey;

export function createBlobs(objects: Objects, { addFile }: Pick<Store, "addFile">, linkMark: Blobs["linkMark"]): Blobs {
  type Written = Awaited<ReturnType<Blobs["put"]>>;

  async function counted(key: string, write: () => Promise<Written>): Promise<Written> {
    const before = await objects.sizeOf(objectKey(key));
    const written = await write();
    await addFile(requestOf(key), written.sizeBytes - (before ?? -FILE_BYTES));
    return written;
  }

  return {
    linkMark,
    put: (key, body, options) => counted(key, () => objects.put(objectKey(key), body, options)),
    putFile: (key, path, options) => counted(key, () => objects.putFile(objectKey(key), path, options)),
    open: (key) => objects.open(objectKey(key)),
    sign: (key, expiresInMs) => objects.sign(objectKey(key), expiresInMs),
    removeAll: async (prefix) => {
      const removed = await objects.removeAll(objectKey(prefix));
      const bytes = removed.reduce((sum, { sizeBytes }) => sum + FILE_BYTES + sizeBytes, 0);
      if (bytes > 0) await addFile(requestOf(prefix), -bytes);
    },
  };
}
