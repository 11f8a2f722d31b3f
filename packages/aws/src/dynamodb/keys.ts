/** How things are named in the tables: keys of bounded length, shards, numbers that sort as text. */
import { createHash } from "node:crypto";
import type { Owner } from "@streamer/core";
import { SHARDS } from "./table.ts";

/** A partition key may have 2,048 bytes: a name that is longer than this is told by its hash. */
const MAX_NAME_LENGTH = 512;

export const hashOf = (text: string): string => createHash("sha256").update(text).digest("base64url");
export const partitionKey = (name: string): string => (name.length <= MAX_NAME_LENGTH ? name : `#${hashOf(name)}`);
export const ownerKey = ({ tenantId, userId }: Owner): string =>
  partitionKey(`${encodeURIComponent(tenantId)}/${encodeURIComponent(userId)}`);
/** The owner that a request's partition key names, unless it is a hash. */
export function ownerIn(pk: string): Owner | undefined {
  if (pk.startsWith("#")) return undefined;
  const [tenantId, userId] = pk.split("/").map(decodeURIComponent) as [string, string];
  return { tenantId, userId };
}
export const shardOf = (pk: string): number => createHash("sha256").update(pk).digest()[0]! % SHARDS;
export const shards: readonly number[] = Array.from({ length: SHARDS }, (_, shard) => shard);
/** Digits enough for epoch ms, so that text sorts as the number does. */
export const sortable = (timeMs: number): string => String(Math.max(0, Math.round(timeMs))).padStart(15, "0");
