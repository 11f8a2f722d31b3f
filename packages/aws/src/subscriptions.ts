/**
 * SubscriptionManager: one item per connection and request, kept under the request so that its followers are one
 * consistent read. The item also says which process tells the connection, as API Gateway promises no order for pushes
 * from several at once (P5, P6):
 *
 *   free ──of──> held by a process ──handOver──> free, with the seq that was told last
 *          held by another ──of──> marked: the holder looks at the log again before it hands over
 *          held by one that died ──its time is over──> taken by the next who asks; what it told last is told again, and
 *          clients pass over a seq they have seen
 *
 * When a request ends, who was told all of it is dropped; who was not stays, marked `ended`, until it has been.
 */
import type { Clock, Follower, RequestKey, Subscriptions } from "@streamer/core";
import type { Items } from "./dynamodb/items.ts";
import { partitionKey } from "./dynamodb/keys.ts";

interface SubscriptionItem {
  readonly pk: string;
  readonly connection_id: string;
  /** Tells it from one that the same connection adds later: what is decided on one is never done to the other. */
  readonly added?: string;
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
/** A connection may follow thousands: so many are dropped at once. */
const PAGE = 100;

export interface StoredSubscriptions extends Subscriptions {
  /** A process is known to have died: the followers of this request it told are free. */
  endHolds(key: RequestKey, processId: string): Promise<void>;
  /** dropRequest, and how many followers are left that have not been told the end. */
  endFollowing(key: RequestKey): Promise<{ readonly dropped: readonly string[]; readonly left: number }>;
}

/** Of one request: connections of one user, and more than one has open. */
const MAX_FOLLOWERS = 10_000;
/** Of one connection: more than any limit on them. */
const MAX_COUNTED = 100_000;

export interface SubscriptionParts {
  readonly items: Items;
  readonly processId: () => string;
  readonly clock: Pick<Clock, "now">;
  readonly makeId: () => string;
  /** Has the followers of a request told later by whoever is there then: its holder may have died. */
  readonly tellLater: (key: RequestKey, delayMs: number) => Promise<void>;
  /** The newest seq of a request, and whether it has ended; undefined when there is none. */
  readonly endOf: (key: RequestKey) => Promise<{ readonly seq: number; readonly hasEnded: boolean } | undefined>;
}

export function createSubscriptions({ items, processId, clock, makeId, tellLater, endOf }: SubscriptionParts): StoredSubscriptions {
  const keyOf = (connectionId: string, key: RequestKey) => ({ pk: partitionKey(key), connection_id: connectionId });
  const untilTime = (): number => Math.round(clock.now() + HOLD_MS);
  const hold = () => ({ ":me": processId(), ":until": untilTime() });
  const list = (key: RequestKey): Promise<readonly SubscriptionItem[]> =>
    items.query<SubscriptionItem>({ where: "pk = :pk", values: { ":pk": partitionKey(key) }, consistent: true, limit: MAX_FOLLOWERS });
  const isElsewhere = ({ holder, held_until: until = 0 }: SubscriptionItem): boolean =>
    holder !== undefined && holder !== processId() && until > clock.now();

  /** What this process has added: as what it named it, or as what was another's before. */
  const addedHere = new Map<string, string>();
  let adder = "";
  function addedBy(): typeof addedHere {
    // On Lambda each invocation is a process of its own.
    if (adder !== processId()) addedHere.clear();
    adder = processId();
    return addedHere;
  }

  async function take(item: SubscriptionItem): Promise<Follower | undefined> {
    const taken = await items.update<SubscriptionItem>(
      { pk: item.pk, connection_id: item.connection_id },
      {
        set: "SET holder = :me, held_until = :until REMOVE missed",
        // Its own already when the answer to this very call was lost, and the call made again.
        condition: "attribute_exists(pk) AND (attribute_not_exists(holder) OR holder = :me OR held_until <= :now)",
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

  const letGo = ({ pk, connection_id }: SubscriptionItem, holder: string) =>
    items.update({ pk, connection_id }, { set: "REMOVE holder, held_until", condition: "holder = :it", values: { ":it": holder } });

  /** Those of an older deployment have no name. */
  const isThis = ({ added }: Pick<SubscriptionItem, "added">) =>
    added === undefined
      ? { expression: "attribute_not_exists(added)", values: undefined }
      : { expression: "added = :added", values: { ":added": added } };

  /**
   * Dropped when it was told everything up to `lastSeq`: by this process, which drops what it has told, or by whoever let go
   * of it. Else left, marked: its holder drops it once it has told everything, or the sweep has it told.
   */
  async function drop(item: SubscriptionItem, lastSeq: number): Promise<"dropped" | "left" | "gone"> {
    const key = { pk: item.pk, connection_id: item.connection_id };
    const isTold = item.holder === processId() || (!isElsewhere(item) && item.told >= lastSeq);
    if (isTold) return (await items.remove(key, isThis(item))) ? "dropped" : "gone";
    const marks = {
      set: `SET ended = :true${isElsewhere(item) ? ", missed = :true" : ""}`,
      condition: `${isThis(item).expression} AND ${isElsewhere(item) ? "holder = :holder" : "(attribute_not_exists(holder) OR held_until <= :now)"}`,
      values: {
        ":true": true,
        ...isThis(item).values,
        ...(isElsewhere(item) ? { ":holder": item.holder } : { ":now": Math.round(clock.now()) }),
      },
    };
    if (await items.update(key, marks)) return "left";
    const now = await items.get<SubscriptionItem>(key);
    // It has handed over meanwhile, or the connection has asked anew: looked at again.
    return now && now.added === item.added ? drop(now, lastSeq) : "gone";
  }

  async function endFollowing(key: RequestKey): Promise<{ readonly dropped: readonly string[]; readonly left: number }> {
    // In this order: who follows a request that is retried by hand does so after that was written.
    const followers = await list(key);
    const end = await endOf(key);
    if (end && !end.hasEnded) return { dropped: [], left: 0 };
    const fates = await Promise.all(followers.map((item) => drop(item, end?.seq ?? 0)));
    const left = followers.filter((_, at) => fates[at] === "left");
    // Its holder drops it when it hands over. One that has died never does.
    const ends = left.filter(isElsewhere).map(({ held_until: until = 0 }) => until);
    if (ends.length > 0) await tellLater(key, Math.max(...ends) - clock.now());
    return { dropped: followers.flatMap(({ connection_id: id }, at) => (fates[at] === "dropped" ? [id] : [])), left: left.length };
  }

  async function mine(item: SubscriptionItem): Promise<Follower | undefined> {
    if (item.holder === processId()) return keep(item);
    return isElsewhere(item) ? mark(item) : take(item);
  }

  return {
    add: async (connectionId, key) => {
      const added = makeId();
      const name = `${connectionId} ${key}`;
      const before = await items.replace<SubscriptionItem>({
        ...keyOf(connectionId, key),
        added,
        told: 0,
        holder: processId(),
        held_until: untilTime(),
        ttl: Math.ceil((clock.now() + LIFE_MS) / 1_000),
      });
      // What this very call wrote was not there before: its answer was lost.
      const isNew = before === undefined || before.added === added;
      const isOwn = isNew || (before.added !== undefined && before.added === addedBy().get(name));
      addedBy().set(name, isOwn ? added : "another's");
      if (isNew) return true;
      // Told further by the process that held it, perhaps: clients pass over what they have seen.
      return before.holder === processId() ? false : before.told;
    },
    remove: async (connectionId, key) => {
      const name = `${connectionId} ${key}`;
      const added = addedBy().get(name);
      addedBy().delete(name);
      // What this process takes back may have been asked for elsewhere, before or at the same time: that stays.
      if (added === "another's") await letGo({ ...keyOf(connectionId, key), told: 0 }, processId());
      else await items.remove(keyOf(connectionId, key), added === undefined ? undefined : isThis({ added }));
    },
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
      // It may have been retried by hand since: then whoever followed it follows it still.
      const isOver = item.ended && (await endOf(key))?.hasEnded !== false;
      if (isOver) return items.remove(keyOf(connectionId, key), isThis(item));
      const handed = await items.update(keyOf(connectionId, key), {
        set: "SET told = :seq REMOVE holder, held_until, ended",
        condition: "holder = :me AND attribute_not_exists(missed)",
        values,
      });
      return handed !== undefined;
    },
    countOf: (connectionId) =>
      items.count({ index: "by_connection", where: "connection_id = :id", values: { ":id": connectionId }, limit: MAX_COUNTED }),
    endFollowing,
    dropRequest: async (key) => (await endFollowing(key)).dropped,
    endHolds: async (key, deadId) => {
      const held = (await list(key)).filter(({ holder }) => holder === deadId);
      await Promise.all(held.map((item) => letGo(item, deadId)));
    },
    dropConnection: async (connectionId) => {
      const where = { index: "by_connection", where: "connection_id = :id", values: { ":id": connectionId }, limit: PAGE };
      for await (const page of items.pages<{ pk: string; connection_id: string }>(where)) {
        await Promise.all(page.map(({ pk }) => items.remove({ pk, connection_id: connectionId })));
      }
    },
  };
}
