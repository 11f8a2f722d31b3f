/**
 * Ends that were written and may not have been told: the process died, or was refused, before its followers heard. Each
 * write that ends a request names the process that is to tell it; the name goes when nobody has to be told any longer.
 * Where it stays, the sweep finds it (functions/tell-ends.ts).
 */
import type { RequestKey } from "@streamer/core";
import { partitionKey, shardOf, shards } from "../dynamodb/keys.ts";
import type { Store } from "../dynamodb/store.ts";
import { agendaOf, type RequestRow } from "./rows.ts";

/** Its teller is at it, or has died: by then a hold on a follower is over too (subscriptions.ts). */
const TOLD_WITHIN_MS = 30_000;
/** Looked at again, when it could not be told. */
const AGAIN_MS = 60_000;

export interface UntoldEnds {
  /** Up to `limit` of each shard that ended a while ago and are not known to be told. */
  untold(limit: number): Promise<readonly RequestKey[]>;
  /** Nobody has to be told of this end any longer. Of another end than this process's, only when `ofOthers`. */
  markTold(key: RequestKey, ofOthers?: "of others too"): Promise<void>;
  /** It could not be told yet. */
  lookLater(key: RequestKey): Promise<void>;
}

export function createUntoldEnds({ clock, requests, processId, change }: Store): UntoldEnds {
  return {
    untold: async (limit) => {
      const now = Math.round(clock.now());
      const watched = await Promise.all(
        shards.map((shard) =>
          requests.query<{ readonly pk: string }>({
            index: "by_time",
            where: "agenda = :agenda AND agenda_at <= :now",
            values: { ":agenda": agendaOf("run", shard), ":now": now },
            limit,
          }),
        ),
      );
      const rows = await requests.getAll<RequestRow>(watched.flat().map(({ pk }) => ({ pk })));
      const isUntold = ({ teller, ended_at: endedAt = now }: RequestRow): boolean =>
        teller !== undefined && endedAt <= now - TOLD_WITHIN_MS;
      return rows.filter(isUntold).map(({ key }) => key);
    },
    // Written blindly: it follows every end, and a read before it would cost as much again.
    markTold: async (key, ofOthers) => {
      const pk = partitionKey(key);
      await requests.update(
        { pk },
        {
          set: "SET agenda = :agenda, agenda_at = expires_at, rev = rev + :one REMOVE teller, watch_at",
          condition: `attribute_exists(teller)${ofOthers ? "" : " AND teller = :me"}`,
          values: { ":agenda": agendaOf("end", shardOf(pk)), ":one": 1, ...(!ofOthers && { ":me": processId() }) },
        },
      );
    },
    lookLater: (key) =>
      change<void>(key, (row) =>
        row?.teller === undefined
          ? { answer: undefined }
          : { next: { ...row, watch_at: Math.round(clock.now()) + AGAIN_MS }, answer: undefined },
      ),
  };
}
