/**
 * What can be asked of requests. A request past its retention answers `expired`: while its item is still there, and then,
 * from a tombstone that holds only its key, for one more retention. After that it is unknown. Forgetting is purges.ts.
 */
import type { JsonValue } from "@streamer/protocol";
import type { RequestKey, Requests } from "@streamer/core";
import { ownerKey, shards, sortable } from "../dynamodb/keys.ts";
import { createLate, type Late } from "./late.ts";
import { agendaOf, isExpired, toRecord, type RequestRow } from "./rows.ts";
import type { Store } from "../dynamodb/store.ts";

/** A cursor is the place in the list, as `listed` has it. */
const CURSOR = /^\d{15}#[\w-]{1,32}$/;
/** Before all there is. */
const NEWEST = `${sortable(1e15 - 1)}~`;
/**
 * Requests read at most for one page of a list: a rare status is otherwise looked for in everything a user ever asked. The
 * page may then hold fewer than it could, or none, and its cursor goes on from there.
 */
const LIST_BUDGET = 1_000;
/** As many as one read of items takes. */
const LIST_STEP = 100;
/** Wakeups that are seen to in one go. */
const DUE_PAGE = 500;

interface Due {
  readonly key: RequestKey;
  readonly runAt: number;
}

type Readings = Pick<Requests, "get" | "payloadOf" | "full" | "has" | "list" | "nextRunAt"> & {
  /** Waiting requests that become runnable in (from, to], epoch ms, and that no message will wake. */
  dueBetween(from: number, to: number): AsyncIterable<readonly Due[]>;
  /** Looks through the runnable requests that have waited since before `since`, epoch ms: see late.ts. */
  late(): Late;
  hasWaiting(): Promise<boolean>;
};

export function createReadings(store: Store): Readings {
  const { clock, requests, values } = store;

  /** The first of each shard. */
  const next = async (where: string, more: Readonly<Record<string, number>>): Promise<readonly { readonly agenda_at: number }[]> => {
    const found = await Promise.all(
      shards.map((shard) =>
        requests.query<{ agenda_at: number }>({
          index: "by_time",
          where: `agenda = :agenda AND ${where}`,
          values: { ":agenda": agendaOf("wait", shard), ...more },
          limit: 1,
        }),
      ),
    );
    return found.flat();
  };

  return {
    get: async (key) => {
      const row = await store.read(key);
      if (!row) return { outcome: "unknown" };
      const now = clock.now();
      if (row.tombstone_until !== undefined) return { outcome: row.tombstone_until > now ? "expired" : "unknown" };
      return isExpired(row, now) ? { outcome: "expired" } : { outcome: "found", record: await toRecord(row, { read: values.read, now }) };
    },
    payloadOf: async (key) => {
      const row = await store.read(key, ["payload", "tombstone_until"]);
      return row && row.tombstone_until === undefined ? (JSON.parse(await values.read(row.payload)) as JsonValue) : undefined;
    },
    full: (owner, limits) => store.stored.full(owner, limits),
    has: async (key) => {
      const row = await store.read(key, ["expires_at", "tombstone_until"]);
      return row !== undefined && row.tombstone_until === undefined && !isExpired(row, clock.now());
    },
    list: async (query) => list(store, query),
    nextRunAt: async () => {
      const waits = await next("agenda_at > :now", { ":now": Math.round(clock.now()) });
      return waits.length === 0 ? undefined : Math.min(...waits.map(({ agenda_at: at }) => at));
    },
    hasWaiting: async () => (await next("agenda_at >= :zero", { ":zero": 0 })).length > 0,
    late: () => createLate(requests),
    dueBetween: async function* (from, to) {
      for (const shard of shards) {
        const bounds = { ":agenda": agendaOf("wait", shard), ":from": Math.round(from) + 1, ":to": Math.round(to) };
        const where = "agenda = :agenda AND agenda_at BETWEEN :from AND :to";
        for await (const page of requests.pages<{ pk: string }>({ index: "by_time", where, values: bounds, limit: DUE_PAGE })) {
          const rows = await requests.getAll<RequestRow>(page.map(({ pk }) => ({ pk })));
          yield rows.filter(({ has_wakeup: hasWakeup }) => !hasWakeup).map(({ key, run_at: runAt }) => ({ key, runAt }));
        }
      }
    },
  };
}

/** Newest first. The index gives the order, the table the requests as they are now. */
const list = async ({ requests, clock, values }: Store, query: Parameters<Requests["list"]>[0]): ReturnType<Requests["list"]> => {
  const { status, action, limit } = query;
  const isWanted = (row: RequestRow): boolean =>
    row.tombstone_until === undefined &&
    !isExpired(row, clock.now()) &&
    (status === undefined || row.status === status) &&
    (action === undefined || row.action === action);
  const step = status === undefined && action === undefined ? limit + 1 : LIST_STEP;
  const found: { readonly listed: string; readonly row: RequestRow }[] = [];
  let from = query.cursor !== undefined && CURSOR.test(query.cursor) ? query.cursor : NEWEST;
  let isLast = false;
  for (let budget = LIST_BUDGET; !isLast && found.length <= limit && budget > 0; budget -= step) {
    const places = await requests.query<{ pk: string; listed: string }>({
      index: "by_owner",
      where: "#owner = :owner AND listed < :from",
      names: { "#owner": "owner" },
      values: { ":owner": ownerKey(query), ":from": from },
      descending: true,
      limit: step,
    });
    const rows = new Map((await requests.getAll<RequestRow>(places.map(({ pk }) => ({ pk })))).map((row) => [row.pk, row]));
    for (const { pk, listed } of places) {
      const row = rows.get(pk);
      if (row && isWanted(row)) found.push({ listed, row });
    }
    isLast = places.length < step;
    from = places.at(-1)?.listed ?? from;
  }
  const shown = found.slice(0, limit);
  const terms = { read: values.read, now: clock.now() };
  return {
    records: await Promise.all(shown.map(({ row }) => toRecord(row, terms))),
    ...(found.length > limit ? { cursor: shown.at(-1)!.listed } : !isLast && { cursor: from }),
  };
};
