/** Whose requests of one tenant wait, looked up one by one: to put counts right, not to ask for them. */
import type { Items } from "../dynamodb/items.ts";
import { ownerIn, shards } from "../dynamodb/keys.ts";
import { agendaOf } from "./rows.ts";
import { tenantHash } from "./shares.ts";

/**
 * The users, one for each request, by the hash of the tenant. Undefined when too many wait to be looked through, or one does
 * not tell whose it is.
 */
export type WaitingOf = (hash: string) => Promise<readonly string[] | undefined>;

/** Of each shard: a page of an index that holds keys only. */
const MAX_LOOKED_THROUGH = 2_000;

export function createWaitingOf(requests: Pick<Items, "query">): WaitingOf {
  return async (hash) => {
    const found = await Promise.all(
      shards.map((shard) =>
        requests.query<{ readonly pk: string }>({
          index: "by_time",
          where: "agenda = :agenda",
          values: { ":agenda": agendaOf("wait", shard) },
          limit: MAX_LOOKED_THROUGH,
        }),
      ),
    );
    const owners = found.flat().map(({ pk }) => ownerIn(pk));
    const isWhole = found.every(({ length }) => length < MAX_LOOKED_THROUGH) && !owners.includes(undefined);
    if (!isWhole) return undefined;
    return owners.flatMap((owner) => (tenantHash(owner!.tenantId) === hash ? [owner!.userId] : []));
  };
}
