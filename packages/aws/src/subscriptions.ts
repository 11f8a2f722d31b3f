/**
 * SubscriptionManager: one item per connection and request, kept under the request so that its followers are one
 * consistent read. The item also says which process tells the connection, as API Gateway promises no order for pushes
 * from several at once (P5, P6):
 *
 *   free ──of──> held by a process ──handOver──> free, with the seq that was told last
 *          held by another ──of──> marked: the holder looks at the log again before it hands over
 *          held by one that died ──its time is over──> taken by the next who asks; what it told last is told again, and
 *          clients pass over a seq they have seen
 */
import type { Clock, Follower, RequestKey, Subscriptions } from "@streamer/core";
import type { Items } from "./dynamodb/items.ts";
import { partitionKey } from "./dynamodb/keys.ts";

interface SubscriptionItem {
  readonly pk: string;
  readonly connection_id: string;
  /** All up to this seq was told. */
  readonly told: number;
  readonly holder?: string;
  readonly held_until?: number;
  /** Written by others while it was held. */
  readonly missed?: true;
  /** The request has ended: forgotten once it is handed over. */
  readonly ended?: true;
}

/** A holder renews at half of it, when it next sends; one that died keeps others waiting this long at most. */
export const HOLD_MS = 20_000;
const LIFE_MS = 4 * 3_600_000;

export interface StoredSubscriptions extends Subscriptions {
  /** A process is known to have died: the followers of this request it told are free. */
  endHolds(key: RequestKey, processId: string): Promise<void>;
}

export interface SubscriptionParts {
  readonly items: Items;
  readonly processId: () => string;
  readonly clock: Pick<Clock, "now">;
  /** Has the followers of a request told later by whoever is there then: its holder may have died. */
  readonly tellLater: (key: RequestKey, delayMs: number) => Promise<void>;
}

export function createSubscriptions({ items, processId, clock, tellLater }: SubscriptionParts): StoredSubscriptions {
  const keyOf = (connectionId: string, key: RequestKey) => ({ pk: partitionKey(key), connection_id: connectionId });
  const untilTime = (): number => Math.round(clock.now() + HOLD_MS);
  const hold = () => ({ ":me": processId(), ":until": untilTime() });
  const list = (key: RequestKey): Promise<readonly SubscriptionItem[]> =>
    items.query<SubscriptionItem>({ where: "pk = :pk", values: { ":pk": partitionKey(key) }, consistent: true });
  const isElsewhere = ({ holder, held_until: until = 0 }: SubscriptionItem): boolean =>
    holder !== undefined && holder !== processId() && until > clock.now();

  async function take(item: SubscriptionItem): Promise<Follower | undefined> {
    const taken = await items.update<SubscriptionItem>(
      { pk: item.pk, connection_id: item.connection_id },
      {
        set: "SET holder = :me, held_until = :until REMOVE missed",
        condition: "attribute_exists(pk) AND (attribute_not_exists(holder) OR held_until <= :now)",
        values: { ...hold(), ":now": Math.round(clock.now()) },
      },
    );
    return taken && { connectionId: item.connection_id, after: taken.told };
  }

  /** Its own: renewed in time, and looked at again when others have written. */
  async function keep(item: SubscriptionItem): Promise<Follower | undefined> {
    const { connection_id: connectionId, held_until: until = 0, missed } = item;
    if (!missed && until - clock.now() > HOLD_MS / 2) return { connectionId };
    const kept = await items.update<SubscriptionItem>(
      { pk: item.pk, connection_id: connectionId },
      { set: "SET held_until = :until REMOVE missed", condition: "holder = :me", values: hold() },
    );
    if (!kept) return undefined;
    return missed ? { connectionId, after: kept.told } : { connectionId };
  }

  /** Another's: it has to look at the log once more. If it has let go meanwhile, it is this process's to tell. */
  async function mark(item: SubscriptionItem): Promise<Follower | undefined> {
    if (item.missed) return undefined;
    const marked = await items.update<SubscriptionItem>(
      { pk: item.pk, connection_id: item.connection_id },
      { set: "SET missed = :true", condition: "holder = :holder", values: { ":true": true, ":holder": item.holder } },
    );
    return marked ? undefined : take(item);
  }

  /** Left to its holder, which drops it once it has told everything. */
  async function drop(item: SubscriptionItem): Promise<"dropped" | "left" | "gone"> {
    const key = { pk: item.pk, connection_id: item.connection_id };
    if (!isElsewhere(item)) return (await items.remove(key)) ? "dropped" : "gone";
    const marks = {
      set: "SET missed = :true, ended = :true",
      condition: "holder = :holder",
      values: { ":true": true, ":holder": item.holder },
    };
    if (await items.update(key, marks)) return "left";
    // It has handed over meanwhile, and told everything before that: what was written was marked before.
    await items.remove(key);
    return "gone";
  }

  async function mine(item: SubscriptionItem): Promise<Follower | undefined> {
    if (item.holder === processId()) return keep(item);
    return isElsewhere(item) ? mark(item) : take(item);
  }

  return {
    add: async (connectionId, key) => {
      const before = await items.replace<SubscriptionItem>({
        ...keyOf(connectionId, key),
        told: 0,
        holder: processId(),
        held_until: untilTime(),
        ttl: Math.ceil((clock.now() + LIFE_MS) / 1_000),
      });
      return before === undefined;
    },
    remove: async (connectionId, key) => void (await items.remove(keyOf(connectionId, key))),
    has: async (connectionId, key) => (await items.get(keyOf(connectionId, key))) !== undefined,
    isFollowed: async (key) => (await items.query({ where: "pk = :pk", values: { ":pk": partitionKey(key) }, limit: 1 })).length > 0,
    of: async (key) => {
      const followers = await Promise.all((await list(key)).map(mine));
      return followers.filter((follower) => follower !== undefined);
    },
    handOver: async (connectionId, key, seq) => {
      const item = await items.get<SubscriptionItem>(keyOf(connectionId, key));
      if (!item || item.holder !== processId()) return true;
      const values = { ":me": processId(), ":seq": seq };
      if (item.missed) {
        await items.update(keyOf(connectionId, key), { set: "SET told = :seq REMOVE missed", condition: "holder = :me", values });
        return false;
      }
      if (item.ended) return items.remove(keyOf(connectionId, key));
      const handed = await items.update(keyOf(connectionId, key), {
        set: "SET told = :seq REMOVE holder, held_until",
        condition: "holder = :me AND attribute_not_exists(missed)",
        values,
      });
      return handed !== undefined;
    },
    countOf: (connectionId) => items.count({ index: "by_connection", where: "connection_id = :id", values: { ":id": connectionId } }),
    dropRequest: async (key) => {
      const followers = await list(key);
      const dropped = await Promise.all(followers.map(drop));
      // Its holder drops it when it hands over. One that has died never does.
      const ends = followers.filter((_, at) => dropped[at] === "left").map(({ held_until: until = 0 }) => until);
      if (ends.length > 0) await tellLater(key, Math.max(...ends) - clock.now());
      return followers.flatMap(({ connection_id: id }, at) => (dropped[at] === "dropped" ? [id] : []));
    },
    endHolds: async (key, deadId) => {
      const held = (await list(key)).filter(({ holder }) => holder === deadId);
      const free = { set: "REMOVE holder, held_until", condition: "holder = :dead", values: { ":dead": deadId } };
      await Promise.all(held.map(({ pk, connection_id: id }) => items.update({ pk, connection_id: id }, free)));
    },
    dropConnection: async (connectionId) => {
      const followed = await items.query<{ pk: string; connection_id: string }>({
        index: "by_connection",
        where: "connection_id = :id",
        values: { ":id": connectionId },
      });
      await Promise.all(followed.map(({ pk }) => items.remove({ pk, connection_id: connectionId })));
    },
  };
}
