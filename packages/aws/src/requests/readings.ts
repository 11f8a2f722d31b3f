/**
 * What can be asked of requests, and forgetting them. A request past its retention answers `expired`: while its item is
 * still there, and then, from a tombstone that holds only its key, for one more retention. After that it is unknown.
 */
import type { ListQuery, RequestKey, Requests } from "@streamer/core";
import { eventsKey } from "./event-log.ts";
import { ownerKey, partitionKey, shards, sortable, tenantShard } from "../dynamodb/keys.ts";
import { agendaOf, isExpired, toRecord, type RequestRow } from "./rows.ts";
import type { Store } from "../dynamodb/store.ts";

/** A cursor is the place in the list, as `listed` has it. */
const CURSOR = /^\d{15}#[\w-]{1,32}$/;
/** Pages of a list read at most for one answer: a rare status is otherwise looked for in everything there is. */
const MAX_PAGES = 40;

type Readings = Pick<Requests, "get" | "has" | "list" | "nextRunAt" | "purge"> & {
  /** Waiting requests that become runnable in (from, to], epoch ms: their wakeups are to be set. */
  dueBetween(from: number, to: number): Promise<readonly { readonly key: RequestKey; readonly runAt: number }[]>;
  /** Runnable requests that have waited since before `since`, epoch ms. */
  stale(since: number, limit: number): Promise<readonly RequestKey[]>;
  hasWaiting(): Promise<boolean>;
};

export function createReadings(store: Store): Readings {
  const { clock, requests, events, values } = store;
  const agenda = <T>(kind: "wait" | "run" | "end", where: string, more: Readonly<Record<string, number>>, limit?: number) =>
    Promise.all(
      shards.map((shard) =>
        requests.query<T>({
          index: "by_time",
          where: `agenda = :agenda AND ${where}`,
          values: { ":agenda": agendaOf(kind, shard), ...more },
          ...(limit !== undefined && { limit }),
        }),
      ),
    ).then((found) => found.flat());

  async function forget(row: RequestRow): Promise<boolean> {
    const partials = row.has_partials
      ? await events.query<{ pk: string; seq: number }>({ where: "pk = :pk", values: { ":pk": eventsKey(row) } })
      : [];
    for (const { pk, seq } of partials) await events.remove({ pk, seq });
    await values.removeAll(row);
    // A request sent anew under an expired id has taken the place of its row meanwhile.
    return store.change<boolean>(row.key, (now) =>
      now?.life === row.life && now.tombstone_until === undefined && isExpired(now, clock.now())
        ? { next: tombstone(now), answer: true }
        : { answer: false },
    );
  }

  return {
    get: async (key) => {
      const row = await store.read(key);
      if (!row) return { outcome: "unknown" };
      const now = clock.now();
      if (row.tombstone_until !== undefined) return { outcome: row.tombstone_until > now ? "expired" : "unknown" };
      return isExpired(row, now) ? { outcome: "expired" } : { outcome: "found", record: await toRecord(row, values.read) };
    },
    has: async (key) => {
      const row = await store.read(key);
      return row !== undefined && row.tombstone_until === undefined && !isExpired(row, clock.now());
    },
    list: async (query) => list(store, query),
    nextRunAt: async () => {
      const next = await agenda<{ agenda_at: number }>("wait", "agenda_at > :now", { ":now": Math.round(clock.now()) }, 1);
      return next.length === 0 ? undefined : Math.min(...next.map(({ agenda_at: at }) => at));
    },
    purge: async (limit, release) => {
      const past = await agenda<{ pk: string }>("end", "agenda_at <= :now", { ":now": Math.round(clock.now()) }, limit);
      const rows = await requests.getAll<RequestRow>(past.slice(0, limit).map(({ pk }) => ({ pk })));
      const expired = rows.filter((row) => row.tombstone_until === undefined && isExpired(row, clock.now()));
      await Promise.all(expired.map(({ key }) => release(key)));
      return (await Promise.all(expired.map(forget))).filter(Boolean).length;
    },
    dueBetween: async (from, to) => {
      const due = await agenda<{ pk: string; agenda_at: number }>("wait", "agenda_at BETWEEN :from AND :to", {
        ":from": Math.round(from) + 1,
        ":to": Math.round(to),
      });
      return due.map(({ pk, agenda_at: runAt }) => ({ key: pk as RequestKey, runAt }));
    },
    stale: async (since, limit) => {
      const late = await agenda<{ pk: string }>("wait", "agenda_at <= :since", { ":since": Math.round(since) }, limit);
      return late.slice(0, limit).map(({ pk }) => pk as RequestKey);
    },
    hasWaiting: async () => (await agenda("wait", "agenda_at >= :zero", { ":zero": 0 }, 1)).length > 0,
  };
}

function tombstone(row: RequestRow): RequestRow {
  const { log: _log, progress: _progress, checkpoint: _checkpoint, has_partials: _partials, idempotency_key: _key, ...rest } = row;
  return { ...rest, log: [], payload: "", metadata: "{}", permissions: [], tombstone_until: row.expires_at! + row.retention_ms };
}

/** Newest first. The index gives the order, the table the requests as they are now. */
async function list({ requests, clock, values }: Store, query: ListQuery): ReturnType<Requests["list"]> {
  const { tenantId, userId, status, action, limit } = query;
  const partitions =
    userId === undefined
      ? shards.map((shard) => ({ index: "by_tenant", name: "tenant_shard", value: tenantShard(tenantId, shard) }))
      : [{ index: "by_owner", name: "owner", value: ownerKey({ tenantId, userId }) }];
  const found: { readonly listed: string; readonly row: RequestRow }[] = [];
  let from = query.cursor !== undefined && CURSOR.test(query.cursor) ? query.cursor : `${sortable(1e15 - 1)}~`;
  let isLast = false;
  for (let page = 0; !isLast && found.length <= limit && page < MAX_PAGES; page += 1) {
    const pages = await Promise.all(
      partitions.map(({ index, name, value }) =>
        requests.query<{ pk: string; listed: string }>({
          index,
          where: "#partition = :value AND listed < :from",
          names: { "#partition": name },
          values: { ":value": value, ":from": from },
          descending: true,
          limit: limit + 1,
        }),
      ),
    );
    const places = pages
      .flat()
      .toSorted((a, b) => (a.listed < b.listed ? 1 : -1))
      .slice(0, limit + 1);
    const rows = new Map((await requests.getAll<RequestRow>(places.map(({ pk }) => ({ pk })))).map((row) => [row.pk, row]));
    for (const { pk, listed } of places) {
      const row = rows.get(partitionKey(pk));
      if (!row || row.tombstone_until !== undefined || isExpired(row, clock.now())) continue;
      if ((status === undefined || row.status === status) && (action === undefined || row.action === action)) found.push({ listed, row });
    }
    isLast = places.length <= limit;
    from = places.at(-1)?.listed ?? from;
  }
  const shown = found.slice(0, limit);
  return {
    records: await Promise.all(shown.map(({ row }) => toRecord(row, values.read))),
    ...(found.length > limit ? { cursor: shown.at(-1)!.listed } : !isLast && { cursor: from }),
  };
}
