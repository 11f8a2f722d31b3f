/**
 * Counts of what is stored (P14), for each tenant and user:
 *
 *   stored#{tenant}#{shard}   bytes of users of the tenant, told apart by a hash: the shard is one part of it, the name of
 *                             the number the other. Their sum over all shards is the tenant's
 *
 * So one write counts for user and tenant alike, and a tenant's writes are spread over its shards. Each row knows what it
 * is counted with (row-bytes.ts), and gives exactly that back when it is forgotten.
 *
 * A new request is counted before it is written, so that a user's limit is never exceeded; all else beside the write, and
 * given back when that was not made. A process that dies between the two, or an answer that is lost and asked for again,
 * leaves a count off by one write: it is put right when it refuses though nothing has changed it for a while.
 */
import { createHash } from "node:crypto";
import { asError, storageLimit, StreamerError, type Log, type Owner, type StorageFull, type StorageLimits } from "@streamer/core";
import type { Items } from "../dynamodb/items.ts";
import { ownerKey, shards } from "../dynamodb/keys.ts";
import type { RequestRow } from "./rows.ts";
import { tenantHash } from "./shares.ts";
import type { StoredOf } from "./stored-of.ts";

export interface Stored {
  /** Counts bytes that are about to be stored, unless that would exceed a limit. */
  reserve(owner: Owner, bytes: number, limits: StorageLimits): Promise<StorageFull | undefined>;
  /** Counts what was stored, or forgotten when it is below 0. Never rejects: what it counts has happened. */
  add(owner: Owner, bytes: number): Promise<void>;
  /** Whether more may be stored. */
  full(owner: Owner, limits: StorageLimits): Promise<StorageFull | undefined>;
}

interface StoredItem {
  readonly pk: string;
  readonly changed_at: number;
  /** When what is stored was counted last. */
  readonly looked_at?: number;
  readonly [number: string]: unknown;
}

/** A number takes 9 bytes: these and their names stay within the KB that a write unit pays for. */
const NUMBERS = 100;
/** What was counted within this may belong to a request that is just being written, or is not in the indexes yet. */
const QUIET_MS = 60_000;
/** Nothing is stored for any of them: the item goes, if that stays so. */
const EMPTY_EXPIRY_MS = 7 * 86_400_000;
/** Others fill the same room every time. */
const MAX_TRIES = 5;

interface Place {
  readonly shard: number;
  readonly name: string;
}
function placeOf(user: string): Place {
  const hash = createHash("sha256").update(user).digest().readUInt32BE();
  return { shard: hash % shards.length, name: `u${String(Math.floor(hash / shards.length) % NUMBERS).padStart(2, "0")}` };
}
const isNumberName = (name: string): boolean => /^u\d\d$/.test(name);
const keyOf = (hash: string, shard: number) => ({ pk: `stored#${hash}#${shard}` });
const keysOf = (hash: string) => shards.map((shard) => keyOf(hash, shard));

const numberIn = (item: StoredItem | undefined, name: string): number => Number(item?.[name] ?? 0);
const sumOf = (item: StoredItem): number =>
  Object.keys(item).reduce((sum, name) => (isNumberName(name) ? sum + numberIn(item, name) : sum), 0);

export interface StoredParts {
  readonly items: Items;
  readonly requests: Pick<Items, "query" | "get">;
  readonly storedOf: StoredOf;
  readonly now: () => number;
  readonly log: Log;
}

export function createStored({ items, requests, storedOf, now, log }: StoredParts): Stored {
  const change = ({ tenantId, userId }: Owner, set: string, bytes: number, bound?: readonly [condition: string, bytes: number]) => {
    const { shard, name } = placeOf(userId);
    return items.update<StoredItem>(keyOf(tenantHash(tenantId), shard), {
      set,
      names: { "#number": name, "#ttl": "ttl" },
      values: { ":bytes": bytes, ":at": Math.round(now()), ...(bound && { ":bound": bound[1] }) },
      ...(bound && { condition: bound[0] }),
    });
  };
  const ADD = "ADD #number :bytes SET changed_at = :at REMOVE #ttl";

  /** The item after it; undefined when the number was above `most`. */
  const give = (owner: Owner, bytes: number, most = Infinity): Promise<StoredItem | undefined> =>
    change(owner, ADD, bytes, most === Infinity ? undefined : ["attribute_not_exists(#number) OR #number <= :bound", most]);

  /** Takes no more than there is. */
  async function take(owner: Owner, bytes: number): Promise<void> {
    const taken = await change(owner, ADD, -bytes, ["#number >= :bound", bytes]);
    const left = taken ?? (await change(owner, "SET #number = :bytes, changed_at = :at REMOVE #ttl", 0, ["#number < :bound", bytes]));
    if (left) await expireWhenEmpty(left);
  }

  async function limitOf({ tenantId, userId }: Owner, more: number, limits: StorageLimits): Promise<ReturnType<typeof storageLimit>> {
    if (limits.storedBytesPerUser === Infinity && limits.storedBytesPerTenant === Infinity) return undefined;
    const hash = tenantHash(tenantId);
    const found = await items.getAll<StoredItem>(keysOf(hash));
    const { shard, name } = placeOf(userId);
    const own = found.find(({ pk }) => pk === keyOf(hash, shard).pk);
    return storageLimit({ user: numberIn(own, name), tenant: found.reduce((sum, item) => sum + sumOf(item), 0) }, more, limits);
  }

  /** Counts anew what is stored for a tenant, where nothing has changed its count for a while. True when that was too much. */
  async function heal(hash: string): Promise<boolean> {
    const at = Math.round(now());
    const found = await items.getAll<StoredItem>(keysOf(hash));
    const quiet = found.filter(({ changed_at: changedAt, looked_at: lookedAt = 0 }) => Math.max(changedAt, lookedAt) <= at - QUIET_MS);
    if (quiet.length === 0) return false;
    const stored = await storedOf(hash);
    const healed = await Promise.all(
      quiet.map(async (item) => {
        const right = stored && rightNumbers(item, hash, stored);
        const isTooMuch = right !== undefined && Object.entries(right).some(([name, there]) => there < numberIn(item, name));
        const numbers = isTooMuch ? Object.entries(right) : [];
        const written = await items.update(
          { pk: item.pk },
          {
            set: `SET ${["looked_at = :at", ...numbers.map(([name]) => `#${name} = :${name}`)].join(", ")}`,
            condition: "changed_at = :changed",
            ...(numbers.length > 0 && { names: Object.fromEntries(numbers.map(([name]) => [`#${name}`, name])) }),
            values: { ":at": at, ":changed": item.changed_at, ...Object.fromEntries(numbers.map(([name, there]) => [`:${name}`, there])) },
          },
        );
        return isTooMuch && written !== undefined;
      }),
    );
    return healed.includes(true);
  }

  /** When the oldest that is stored for the user is forgotten, if that is known. */
  async function roomAt(owner: Owner): Promise<number | undefined> {
    const [oldest] = await requests.query<{ readonly pk: string }>({
      index: "by_owner",
      where: "#owner = :owner",
      names: { "#owner": "owner" },
      values: { ":owner": ownerKey(owner) },
      limit: 1,
    });
    if (!oldest) return undefined;
    return (await requests.get<Pick<RequestRow, "expires_at">>({ pk: oldest.pk }, ["expires_at"]))?.expires_at;
  }

  async function full(owner: Owner, limits: StorageLimits, more = 0): Promise<StorageFull | undefined> {
    const first = await limitOf(owner, more, limits);
    if (!first) return undefined;
    const over = (await heal(tenantHash(owner.tenantId))) ? await limitOf(owner, more, limits) : first;
    if (!over) return undefined;
    const at = await roomAt(owner);
    return { outcome: "full", ...over, ...(at !== undefined && { roomAt: at }) };
  }

  async function expireWhenEmpty(item: StoredItem): Promise<void> {
    if (sumOf(item) > 0) return;
    const { pk, changed_at: changedAt } = item;
    const ttl = Math.ceil((now() + EMPTY_EXPIRY_MS) / 1_000);
    await items.update(
      { pk },
      {
        set: "SET #ttl = :ttl",
        condition: "changed_at = :changed",
        names: { "#ttl": "ttl" },
        values: { ":ttl": ttl, ":changed": changedAt },
      },
    );
  }

  return {
    full: (owner, limits) => full(owner, limits),
    reserve: async (owner, bytes, limits) => {
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const refused = await full(owner, limits, bytes);
        if (refused) return refused;
        if (await give(owner, bytes, limits.storedBytesPerUser - bytes)) return undefined;
      }
      throw new StreamerError(
        "STORAGE_ERROR",
        `What is stored for user "${owner.userId}" changes all the time; nothing was stored. Send it again under the same id.`,
      );
    },
    add: async (owner, bytes) => {
      if (bytes === 0) return;
      try {
        if (bytes > 0) await give(owner, bytes);
        else await take(owner, -bytes);
      } catch (error) {
        const fields = { err: asError(error), tenant: owner.tenantId, user: owner.userId, bytes };
        log.warn(fields, "what is stored was not counted; the count is put right when it refuses");
      }
    },
  };
}

/** The numbers that an item should have, by their names. */
function rightNumbers(
  item: StoredItem,
  hash: string,
  stored: readonly { readonly user: string; readonly bytes: number }[],
): Readonly<Record<string, number>> {
  const numbers: Record<string, number> = {};
  for (const name of Object.keys(item)) if (isNumberName(name)) numbers[name] = 0;
  for (const { user, bytes } of stored) {
    const { shard, name } = placeOf(user);
    if (keyOf(hash, shard).pk === item.pk) numbers[name] = (numbers[name] ?? 0) + bytes;
  }
  return numbers;
}
