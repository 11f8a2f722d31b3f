/**
 * What can be asked of requests, and forgetting them. A request past its retention answers `expired`: while its row is
 * still there, and then, from a tombstone that holds only its key, for one more retention. After that it is unknown.
 */
import type { RequestKey, Requests } from "@streamer/core";
import { createList } from "./lists.ts";
import { SELECT_FULL, createForget, isExpired, toRecord, type FullRow } from "./rows.ts";
import type { Store } from "../sqlite/store.ts";

export interface Reading extends Pick<Requests, "get" | "has" | "list" | "nextRunAt" | "purge"> {
  readonly isTombstone: (key: RequestKey) => boolean;
}

export function createReadings({ db, clock, backlog, write }: Store): Reading {
  const byKey = db.prepare(`${SELECT_FULL} WHERE requests.key = ?`);
  const lives = db.prepare("SELECT 1 FROM requests WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)");
  const tombstone = db.prepare("SELECT 1 FROM tombstones WHERE key = ? AND until > ?");
  const past = db.prepare(
    "SELECT id, key, expires_at + retention_ms AS until FROM requests WHERE expires_at <= ? ORDER BY expires_at LIMIT ?",
  );
  const bury = db.prepare("INSERT OR REPLACE INTO tombstones (key, until) VALUES (?, ?)");
  const clearTombstones = db.prepare("DELETE FROM tombstones WHERE key IN (SELECT key FROM tombstones WHERE until <= ? LIMIT ?)");
  // Not by id alone: SQLite gives the id of a forgotten row to a new one.
  const isStillPast = db.prepare("SELECT 1 FROM requests WHERE id = ? AND expires_at <= ?");
  const forget = createForget(db);
  const list = createList(db);
  const isTombstone = (key: RequestKey): boolean => tombstone.get(key, clock.now()) !== undefined;

  return {
    isTombstone,
    get: async (key) => {
      const row = byKey.get(key) as FullRow | undefined;
      if (!row) return { outcome: isTombstone(key) ? "expired" : "unknown" };
      return isExpired(row, clock.now()) ? { outcome: "expired" } : { outcome: "found", record: toRecord(row) };
    },
    has: async (key) => lives.get(key, clock.now()) !== undefined,
    list: async (query) => list(query, clock.now()),
    nextRunAt: async () => backlog.nextRunAt(clock.now()),
    purge: async (limit, release) => {
      const rows = past.all(clock.now(), limit) as unknown as { id: number; key: RequestKey; until: number }[];
      await Promise.all(rows.map(({ key }) => release(key)));
      return write(() => {
        const now = clock.now();
        clearTombstones.run(now, limit);
        // A request sent anew under an expired id has taken the place of its row meanwhile.
        const left = rows.filter(({ id }) => isStillPast.get(id, now) !== undefined);
        for (const { id, key, until } of left) {
          forget(id);
          bury.run(key, until);
        }
        return left.length;
      });
    },
  };
}
