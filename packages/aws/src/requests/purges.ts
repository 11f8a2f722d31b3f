/**
 * Forgetting what is past its retention (P7). What belongs to a request goes first, its own item last, so that a process
 * that dies in between leaves nothing unnamed. One that cannot be forgotten holds up no other: it goes to the end of the line.
 */
import { createHash } from "node:crypto";
import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { asError, StreamerError, type Requests } from "@streamer/core";
import { toAttributes } from "../dynamodb/items.ts";
import { shardOf, shards } from "../dynamodb/keys.ts";
import type { Store } from "../dynamodb/store.ts";
import { eventsKey, movedKey } from "./event-log.ts";
import { idempotencyPk } from "./idempotency.ts";
import { agendaOf, isExpired, leftoverTtl, type RequestRow } from "./rows.ts";

const EVENTS_AT_A_TIME = 100;

/** What is left of a life whose id was sent anew before it was forgotten: its events and values. */
interface PastLife {
  readonly pk: string;
  readonly was: string;
  readonly life: string;
}
type Expired = RequestRow | PastLife;

/** Has a life that another takes the place of forgotten by the next purge: written with the row of the other. */
export function leavePast(table: string, row: RequestRow, now: number): TransactWriteItem {
  const item = {
    pk: `past#${createHash("sha256").update(eventsKey(row)).digest("base64url")}`,
    was: row.pk,
    life: row.life,
    agenda: agendaOf("end", shardOf(row.pk)),
    agenda_at: now,
    ttl: leftoverTtl(row, now),
  };
  return { Put: { TableName: table, Item: toAttributes(item) } };
}

export function createPurge(store: Store): Requests["purge"] {
  const { clock, requests, events, values } = store;

  async function forgetLife(life: Pick<RequestRow, "pk" | "life">): Promise<void> {
    for (const pk of [eventsKey(life), movedKey(life)]) {
      const query = { where: "pk = :pk", values: { ":pk": pk }, attributes: ["pk", "seq"], limit: EVENTS_AT_A_TIME };
      for await (const page of events.pages<{ pk: string; seq: number }>(query)) {
        await Promise.all(page.map(({ seq }) => events.remove({ pk, seq })));
      }
    }
    await values.removeAll(life);
  }

  async function forget(row: RequestRow): Promise<boolean> {
    await forgetLife(row);
    if (row.idempotency_key !== undefined) {
      const pk = idempotencyPk({ tenantId: row.tenant, userId: row.user }, row.idempotency_key);
      await requests.remove({ pk }, { expression: "life = :life", values: { ":life": row.life } });
    }
    // A request sent anew under an expired id has taken the place of its row meanwhile.
    return store.change<boolean>(row.key, (now) =>
      now?.life === row.life && now.tombstone_until === undefined && isExpired(now, clock.now())
        ? { next: tombstone(now), answer: true }
        : { answer: false },
    );
  }

  async function forgetPast({ pk, was, life }: PastLife): Promise<boolean> {
    await forgetLife({ pk: was, life });
    return requests.remove({ pk });
  }

  const isPast = (item: Expired): item is PastLife => "was" in item;
  const name = (item: Expired): string => (isPast(item) ? item.was : item.key);

  /** To the end of the line, so that what can be forgotten is found before it. */
  async function postpone(item: Expired): Promise<void> {
    const at = Math.round(clock.now());
    if (isPast(item)) await requests.update({ pk: item.pk }, { set: "SET agenda_at = :at", values: { ":at": at } });
    else {
      const { teller: _, ...row } = item;
      await store.change<void>(item.key, (now) =>
        now?.rev === item.rev ? { next: { ...row, purge_at: at }, answer: undefined } : { answer: undefined },
      );
    }
  }

  /** Also of ends that nobody was told of: they can no longer be asked for. */
  const past = async (kind: "end" | "run", limit: number): Promise<readonly { pk: string; agenda_at: number }[]> => {
    const found = await Promise.all(
      shards.map((shard) =>
        requests.query<{ pk: string; agenda_at: number }>({
          index: "by_time",
          where: "agenda = :agenda AND agenda_at <= :now",
          values: { ":agenda": agendaOf(kind, shard), ":now": Math.round(clock.now()) },
          limit,
        }),
      ),
    );
    return found.flat();
  };

  return async (limit, release) => {
    const found = [...(await past("end", limit)), ...(await past("run", limit))].toSorted((a, b) => a.agenda_at - b.agenda_at);
    const items = await requests.getAll<Expired>(found.map(({ pk }) => ({ pk })));
    const now = clock.now();
    const expired = items.filter((item) => isPast(item) || (item.tombstone_until === undefined && isExpired(item, now)));
    const failures: { readonly item: Expired; readonly error: unknown }[] = [];
    const forgotten = await Promise.all(
      expired.slice(0, limit).map(async (item) => {
        try {
          if (isPast(item)) return await forgetPast(item);
          await release(item.key);
          return await forget(item);
        } catch (error) {
          failures.push({ item, error });
          return false;
        }
      }),
    );
    const [first] = failures;
    if (!first) return forgotten.filter(Boolean).length;
    await Promise.all(failures.map(({ item }) => postpone(item)));
    const message = `${failures.length} requests past their retention could not be forgotten, ${name(first.item)} first: ${asError(first.error).message}`;
    throw new StreamerError("STORAGE_ERROR", message, { cause: asError(first.error) });
  };
}

function tombstone(row: RequestRow): RequestRow {
  const {
    log: _log,
    progress: _progress,
    checkpoint: _checkpoint,
    checkpoint_bytes: _checkpointBytes,
    bytes: _bytes,
    bytes_counted: _counted,
    file_bytes: _files,
    has_partials: _partials,
    has_moved_log: _moved,
    idempotency_key: _key,
    teller: _teller,
    ...rest
  } = row;
  return { ...rest, log: [], payload: "", metadata: "{}", permissions: [], tombstone_until: row.expires_at! + row.retention_ms };
}
