/**
 * Looks through the requests that have been runnable for too long, so many at a time, each time going on where it stopped
 * and from the beginning once it is through: those that cannot run yet, however many, hide nothing that is behind them.
 */
import type { RequestKey } from "@streamer/core";
import type { Items } from "../dynamodb/items.ts";
import { shards } from "../dynamodb/keys.ts";
import { agendaOf } from "./rows.ts";

/** Up to `limit` of those that have been runnable since before `since`, epoch ms; an equal part of each shard. */
export type Late = (since: number, limit: number) => Promise<readonly RequestKey[]>;

/** The keys of the index's item, in full: it is gone on after. */
interface Place {
  readonly pk: string;
  readonly agenda: string;
  readonly agenda_at: number;
}

export function createLate(requests: Pick<Items, "query">): Late {
  const reached = new Map<number, Place>();

  async function of(shard: number, since: number, limit: number): Promise<readonly Place[]> {
    const after = reached.get(shard);
    const found = await requests.query<Place>({
      index: "by_time",
      where: "agenda = :agenda AND agenda_at <= :since",
      values: { ":agenda": agendaOf("wait", shard), ":since": Math.round(since) },
      limit,
      ...(after && { after }),
    });
    const last = found.at(-1);
    if (last && found.length === limit) reached.set(shard, { pk: last.pk, agenda: last.agenda, agenda_at: last.agenda_at });
    else reached.delete(shard);
    return found;
  }

  return async (since, limit) => {
    const found = await Promise.all(shards.map((shard) => of(shard, since, Math.ceil(limit / shards.length))));
    return found
      .flat()
      .toSorted((a, b) => a.agenda_at - b.agenda_at)
      .map(({ pk }) => pk as RequestKey);
  };
}
