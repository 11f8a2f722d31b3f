/** What is stored for the users of one tenant, looked up request by request: to put counts right, not to ask for them. */
import type { Items } from "../dynamodb/items.ts";
import { ownerIn, shards } from "../dynamodb/keys.ts";
import { countedIn } from "./row-bytes.ts";
import { agendaOf, type RequestRow } from "./rows.ts";
import { tenantHash } from "./shares.ts";

/**
 * By the hash of the tenant; one for each request. Undefined when there is too much to be looked through, or a request does
 * not tell whose it is.
 */
export type StoredOf = (hash: string) => Promise<readonly { readonly user: string; readonly bytes: number }[] | undefined>;

/** Of each shard: a page of an index that holds keys only. */
const MAX_LOOKED_THROUGH = 2_000;
/** Requests of the tenant, whose items are read. */
const MAX_READ = 2_000;

export function createStoredOf(requests: Pick<Items, "query" | "getAll">): StoredOf {
  return async (hash) => {
    const agendas = (["wait", "run", "end"] as const).flatMap((kind) => shards.map((shard) => agendaOf(kind, shard)));
    const found = await Promise.all(
      agendas.map((agenda) =>
        requests.query<{ readonly pk: string }>({
          index: "by_time",
          where: "agenda = :agenda",
          values: { ":agenda": agenda },
          limit: MAX_LOOKED_THROUGH,
        }),
      ),
    );
    const owners = found.flat().map(({ pk }) => ({ pk, owner: ownerIn(pk) }));
    const isWhole = found.every(({ length }) => length < MAX_LOOKED_THROUGH) && owners.every(({ owner }) => owner !== undefined);
    const own = new Set(owners.flatMap(({ pk, owner }) => (owner && tenantHash(owner.tenantId) === hash ? [pk] : [])));
    if (!isWhole || own.size > MAX_READ) return undefined;
    const rows = await requests.getAll<RequestRow>(Array.from(own, (pk) => ({ pk })));
    return rows.map((row) => ({ user: row.user, bytes: countedIn(row) }));
  };
}
