/**
 * Places of a user's connections, so that nobody has more of them than others can bear (P14): one item a user in `limits`,
 * with the set of who has one, so that taking and leaving may be repeated; and until when none of them is let in.
 *
 * A connection is stored before it takes its place, and leaves it as its item goes. A process that dies in between, or a
 * `$disconnect` that never comes, leaves a place taken: when there is none to be had, those that have one are looked up,
 * once a minute at most. Who is not stored, or for longer than API Gateway keeps a connection, has it no more.
 */
import type { Owner } from "@streamer/core";
import { wireError, type WireError } from "@streamer/protocol";
import type { Items } from "./dynamodb/items.ts";
import { ownerKey } from "./dynamodb/keys.ts";

export interface Places {
  /** Takes a place, of so many that each user has. Answers why there is none. */
  take(owner: Owner, connectionId: string, perUser: number): Promise<WireError | undefined>;
  leave(owner: Owner, connectionId: string): Promise<void>;
  /** Lets no new connection of the user in until then, epoch ms. */
  shutOut(owner: Owner, until: number): Promise<void>;
}

interface PlacesItem {
  readonly holders?: ReadonlySet<string>;
  readonly looked_at?: number;
  readonly shut_until?: number;
}

interface PlacesParts {
  readonly limits: Items;
  readonly connections: Items;
  readonly now: () => number;
}

/** API Gateway ends a connection after two hours; a little more, because clocks differ. */
const LONGEST_CONNECTION_MS = 2 * 3_600_000 + 60_000;
const LOOK_EVERY_MS = 60_000;
const AFTER_MS = 5_000;

const keyOf = (owner: Owner) => ({ pk: `connected#${ownerKey(owner)}` });

export function createPlaces({ limits, connections, now }: PlacesParts): Places {
  /** Nobody who has a place now can have it for longer. */
  const expiry = (): number => Math.ceil((now() + LONGEST_CONNECTION_MS) / 1_000);

  const enter = async (owner: Owner, connectionId: string, perUser: number): Promise<boolean> => {
    const isLetIn = "(attribute_not_exists(shut_until) OR shut_until <= :now)";
    const hasPlace = "(attribute_not_exists(holders) OR size(holders) < :most OR contains(holders, :me))";
    const taken = await limits.update(keyOf(owner), {
      set: "ADD holders :one SET #ttl = :ttl",
      condition: `${isLetIn} AND ${hasPlace}`,
      names: { "#ttl": "ttl" },
      values: { ":one": new Set([connectionId]), ":me": connectionId, ":most": perUser, ":now": Math.round(now()), ":ttl": expiry() },
    });
    return taken !== undefined;
  };

  /** Takes their places from those that are gone. True when there were any. */
  async function heal(owner: Owner): Promise<boolean> {
    const at = Math.round(now());
    const looked = await limits.update<PlacesItem>(keyOf(owner), {
      set: "SET looked_at = :at",
      condition: "attribute_exists(holders) AND (attribute_not_exists(looked_at) OR looked_at <= :before)",
      values: { ":at": at, ":before": at - LOOK_EVERY_MS },
    });
    if (!looked) return false;
    const holders = [...(looked.holders ?? [])];
    const stored = await connections.getAll<{ readonly connection_id: string; readonly connected_at: number }>(
      holders.map((connectionId) => ({ connection_id: connectionId })),
    );
    const open = new Set(
      stored.flatMap(({ connection_id: id, connected_at: connectedAt }) => (at - connectedAt < LONGEST_CONNECTION_MS ? [id] : [])),
    );
    const gone = holders.filter((connectionId) => !open.has(connectionId));
    if (gone.length === 0) return false;
    await limits.update(keyOf(owner), { set: "DELETE holders :gone", values: { ":gone": new Set(gone) } });
    return true;
  }

  return {
    take: async (owner, connectionId, perUser) => {
      if (await enter(owner, connectionId, perUser)) return undefined;
      const { shut_until: shutUntil = 0 } = (await limits.get<PlacesItem>(keyOf(owner), ["shut_until"])) ?? {};
      const shutMs = shutUntil - now();
      if (shutMs > 0) return wireError("RATE_LIMITED", "You have sent far too many messages. Connect again later.", { afterMs: shutMs });
      if ((await heal(owner)) && (await enter(owner, connectionId, perUser))) return undefined;
      const message = `All ${perUser} connections of yours are taken. Connect again later.`;
      return wireError("RATE_LIMITED", message, { afterMs: AFTER_MS });
    },
    leave: async (owner, connectionId) => {
      await limits.update(keyOf(owner), {
        set: "DELETE holders :one",
        condition: "contains(holders, :me)",
        values: { ":one": new Set([connectionId]), ":me": connectionId },
      });
    },
    shutOut: async (owner, until) => {
      await limits.update(keyOf(owner), {
        set: "SET shut_until = :until, #ttl = :ttl",
        names: { "#ttl": "ttl" },
        values: { ":until": Math.round(until), ":ttl": expiry() },
      });
    },
  };
}
