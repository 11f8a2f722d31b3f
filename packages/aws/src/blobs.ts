/** Blobs in the bucket. A key is opaque; its folders stay folders, so that those of one request are found together. */
import type { Blobs } from "@streamer/core";
import { hashOf } from "./dynamodb/keys.ts";
import type { Objects } from "./s3/objects.ts";

/** Bytes an object key may have are 1,024; parts longer than this are told by their hash. */
const MAX_PART_LENGTH = 200;

/** Never "." or "..", which some clients resolve away; never longer than a key may be. */
const nameOf = (part: string): string =>
  part.length > MAX_PART_LENGTH || /^\.+$/.test(part) ? `~${hashOf(part)}` : part.replaceAll("~", "%7E");
const objectKey = (key: string): string => `blobs/${key.split("/").map(nameOf).join("/")}`;

export function createBlobs(objects: Objects, linkMark: Blobs["linkMark"]): Blobs {
  return {
    linkMark,
    put: (key, body, options) => objects.put(objectKey(key), body, options),
    putFile: (key, path, options) => objects.putFile(objectKey(key), path, options),
    open: (key) => objects.open(objectKey(key)),
    sign: (key, expiresInMs) => objects.sign(objectKey(key), expiresInMs),
    removeAll: (prefix) => objects.removeAll(objectKey(prefix)),
  };
}
