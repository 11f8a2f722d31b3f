/**
 * What can be asked of requests, and forgetting them. A request past its retention answers `expired`: while its row is
 * still there, and then, from a tombstone that holds only its key, for one more retention. After that it is unknown.
 */
import type { JsonValue } from "@streamer/protocol";
import { StreamerError, asError, requestIdOf, type Lookup, type RequestKey, type Requests } from "@streamer/core";
import { createFullness } from "./fullness.ts";
import { createList } from "./lists.ts";
import { SELECT_FULL, createForget, isExpired, toRecord, type FullRow } from "./rows.ts";
import { checksumOf, IS_INTACT, isIntact } from "../sqlite/checksums.ts";
import type { Store } from "../sqlite/store.ts";

export interface Reading extends Pick<Requests, "get" | "payloadOf" | "full" | "has" | "list" | "nextRunAt" | "purge"> {
  readonly isTombstone: (key: RequestKey) => boolean;
}

/** Of those that could not be forgotten, so many are named. */
const NAMED = 10;

export function createReadings(store: Store): Reading {
  const { db, clock, retention, backlog, damage, write } = store;
  const byKey = db.prepare(`${SELECT_FULL} WHERE requests.key = ?`);
  const lives = db.prepare(`SELECT 1 FROM requests WHERE key = ? AND (expires_at IS NULL OR expires_at > ? OR NOT ${IS_INTACT})`);
  const input = db.prepare(
    "SELECT inputs.request, payload, permissions, inputs.sum FROM inputs JOIN requests ON requests.id = inputs.request WHERE requests.key = ?",
  );
  const tombstone = db.prepare("SELECT until, sum FROM tombstones WHERE key = ?");
  // What is damaged may be of another age, or name the files of another.
  const past = db.prepare(`
    SELECT id, key, expires_at + retention_ms AS until FROM requests WHERE expires_at <= ? AND ${IS_INTACT} ORDER BY expires_at LIMIT ?`);
  const bury = db.prepare("INSERT OR REPLACE INTO tombstones (key, until, sum) VALUES (?, ?, ?)");
  const clearTombstones = db.prepare("DELETE FROM tombstones WHERE key IN (SELECT key FROM tombstones WHERE until <= ? LIMIT ?)");
  // Not by id alone: SQLite gives the id of a forgotten row to a new one.
  const isStillPast = db.prepare("SELECT 1 FROM requests WHERE id = ? AND expires_at <= ?");
  const forget = createForget(store);
  const list = createList(store);
  /** Rows that could not be forgotten: they let others go first. */
  const postponed = new Set<number>();
  const isTombstone = (key: RequestKey): boolean => {
    const row = tombstone.get(key) as { readonly until: number; readonly sum: number | null } | undefined;
    if (!row) return false;
    damage.check(row.sum === checksumOf([key, row.until]), "tombstone", requestIdOf(key));
    return row.until > retention.earliest();
  };
  const get = (key: RequestKey): Lookup => {
    const row = byKey.get(key) as FullRow | undefined;
    if (!row) return { outcome: isTombstone(key) ? "expired" : "unknown" };
    damage.check(isIntact(row), "record", requestIdOf(key));
    if (isExpired(row, retention.earliest())) return { outcome: "expired" };
    return { outcome: "found", record: toRecord(row, backlog.placeOf(row.id, clock.now()), damage) };
  };

  const payloadOf = (key: RequestKey): JsonValue | undefined => {
    const row = input.get(key);
    if (!row) return undefined;
    damage.check(row["sum"] === checksumOf([row["request"], row["payload"], row["permissions"]]), "payload", requestIdOf(key));
    return JSON.parse(row["payload"] as string) as JsonValue;
  };

  const fullness = createFullness(store);

  return {
    isTombstone,
    full: (owner, limits) => fullness(owner, limits),
    payloadOf: async (key) => damage.reading(requestIdOf(key), () => payloadOf(key)),
    get: async (key) => damage.reading(requestIdOf(key), () => get(key)),
    has: (key) => store.keys.mayHave(key) && damage.reading(requestIdOf(key), () => lives.get(key, retention.earliest()) !== undefined),
    list: async (query) => damage.reading(undefined, () => list(query)),
    nextRunAt: async () => backlog.nextRunAt(clock.now()),
    purge: async (limit, release) => {
      const found = past.all(retention.earliest(), limit + postponed.size) as unknown as Past[];
      const rows = found.toSorted((a, b) => Number(postponed.has(a.id)) - Number(postponed.has(b.id))).slice(0, limit);
      for (const { id } of rows) postponed.delete(id);
      const released = await Promise.allSettled(rows.map(({ key }) => release(key)));
      const failed = rows.flatMap((row, n): { row: Past; error: Error }[] => {
        const { status, reason } = released[n] as PromiseRejectedResult;
        return status === "rejected" ? [{ row, error: asError(reason) }] : [];
      });
      for (const { row } of failed) postponed.add(row.id);
      const forgotten = await write(() => {
        const now = retention.earliest();
        clearTombstones.run(now, limit);
        // A request sent anew under an expired id has taken the place of its row meanwhile.
        const left = rows.filter(({ id }) => !postponed.has(id) && isStillPast.get(id, now) !== undefined);
        for (const { id, key, until } of left) {
          forget(id);
          bury.run(key, until, checksumOf([key, until]));
        }
        return left.length;
      });
      if (failed.length > 0) throw notForgotten(failed);
      return forgotten;
    },
  };
}

interface Past {
  readonly id: number;
  readonly key: RequestKey;
  readonly until: number;
}

function notForgotten(failed: readonly { readonly row: Past; readonly error: Error }[]): StreamerError {
  const names = failed.slice(0, NAMED).map(({ row }) => row.key);
  const cause = failed[0]!.error;
  return new StreamerError(
    "STORAGE_ERROR",
    `${failed.length} requests past their retention could not be forgotten (${names.join(", ")}${failed.length > NAMED ? ", …" : ""}): ${cause.message}`,
    { cause },
  );
}
