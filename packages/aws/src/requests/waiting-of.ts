/** How many requests of one tenant wait, counted one by one: to put a count right, not to ask for it. */
import type { Items } from "../dynamodb/items.ts";
import { shards, tenantIn } from "../dynamodb/keys.ts";
import { agendaOf } from "./rows.ts";
import { tenantHash } from "./shares.ts";

/** By the hash of the tenant. Undefined when too many wait to be looked through, or one does not tell whose it is. */
export type WaitingOf = (hash: string) => Promise<number | undefined>;

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
    const tenants = found.flat().map(({ pk }) => tenantIn(pk));
    const isWhole = found.every(({ length }) => length < MAX_LOOKED_THROUGH) && !tenants.includes(undefined);
    return isWhole ? tenants.filter((tenant) => tenantHash(tenant!) === hash).length : undefined;
  };
}
