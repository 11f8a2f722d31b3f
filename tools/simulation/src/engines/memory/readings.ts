/** What can be asked of requests, and forgetting them once their retention has ended (P7). */
import type { JsonValue } from "@streamer/protocol";
import { asError, StreamerError, type ListQuery, type RequestKey, type Requests } from "@streamer/core";
import { forget, type Row } from "./data.ts";
import { isExpired, toRecord } from "./rows.ts";
import type { State } from "./state.ts";

const CURSOR = /^[0-9a-z]{1,10}$/;

type Readings = Pick<Requests, "get" | "payloadOf" | "full" | "has" | "list" | "nextRunAt" | "purge">;

export function createReadings({ data, retention, queue, usage, write }: State): Readings {
  /** Keys of what could not be forgotten: they let others go first. */
  const postponed = new Set<RequestKey>();

  function list({ tenantId, userId, status, action, limit, cursor }: ListQuery): Awaited<ReturnType<Requests["list"]>> {
    const before = cursor !== undefined && CURSOR.test(cursor) ? Number.parseInt(cursor, 36) : Infinity;
    const now = retention.earliest();
    const isAsked = (row: Row): boolean =>
      row.owner.tenantId === tenantId &&
      row.owner.userId === userId &&
      row.id < before &&
      !isExpired(row, now) &&
      (status === undefined || row.status === status) &&
      (action === undefined || row.action === action);
    const rows = Array.from(data.rows.values())
      .filter(isAsked)
      .toSorted((a, b) => b.id - a.id);
    const records = rows.slice(0, limit).map((row) => {
      const { result: _, ...record } = toRecord(row, queue.placeOf(row));
      return record;
    });
    return { records, ...(rows.length > limit && { cursor: rows[limit - 1]!.id.toString(36) }) };
  }

  return {
    get: async (key) => {
      const row = data.rows.get(key);
      if (row)
        return isExpired(row, retention.earliest())
          ? { outcome: "expired" }
          : { outcome: "found", record: toRecord(row, queue.placeOf(row)) };
      return { outcome: (data.tombstones.get(key) ?? 0) > retention.earliest() ? "expired" : "unknown" };
    },
    payloadOf: async (key) => {
      const row = data.rows.get(key);
      return row && (JSON.parse(row.payloadText) as JsonValue);
    },
    full: (owner, limits) => usage.full(owner, limits),
    has: (key) => {
      const row = data.rows.get(key);
      return row !== undefined && !isExpired(row, retention.earliest());
    },
    list: async (query) => list(query),
    nextRunAt: async () => queue.nextRunAt(),
    purge: async (limit, release) => {
      const now = retention.earliest();
      const past = Array.from(data.rows.values())
        .filter((row) => isExpired(row, now))
        .toSorted((a, b) => a.expiresAt! - b.expiresAt!)
        .toSorted((a, b) => Number(postponed.has(a.key)) - Number(postponed.has(b.key)))
        .slice(0, limit);
      const failed: string[] = [];
      for (const row of past) {
        postponed.delete(row.key);
        await release(row.key).catch((error: unknown) => {
          postponed.add(row.key);
          failed.push(`${row.key}: ${asError(error).message}`);
        });
      }
      const forgotten = await write(() => {
        for (const [key, until] of data.tombstones) if (until <= now) data.tombstones.delete(key);
        // Sent anew under its id meanwhile, another row stands in its place.
        const left = past.filter((row) => !postponed.has(row.key) && data.rows.get(row.key) === row);
        for (const row of left) {
          forget(data, row);
          data.tombstones.set(row.key, row.expiresAt! + row.retentionMs);
        }
        return left.length;
      });
      if (failed.length > 0)
        throw new StreamerError(
          "STORAGE_ERROR",
          `${failed.length} requests past their retention could not be forgotten (${failed.join(", ")})`,
        );
      return forgotten;
    },
  };
}
