/**
 * How much may come in: messages and bytes a second, of a connection and of its user, whose connections share one rate
 * however many they are (P14); and how much may be refused before a connection is cut off (P12).
 */
import type { AdmissionLimits } from "../../options.ts";
import type { Connection } from "../../ports/connections.ts";
import { ownerName } from "../../rules/identity.ts";
import { delayUntil, take, type Bucket, type Rate } from "../../rules/rate.ts";

/** A rate that is used up. */
interface OverRate {
  /** Which, for people. */
  readonly limit: string;
  readonly afterMs: number;
}

export interface Rates {
  /** Takes one message of so many bytes from all its rates; or from none of them, and says which is used up for longest. */
  take(connection: Connection, bytes: number, now: number): OverRate | undefined;
  /** Takes the bytes of an answer, which may be more than there are: they are paid for by and by. */
  charge(connection: Connection, bytes: number, now: number): void;
  /** The rate whose bytes were charged and are not paid for. */
  owed(connection: Connection, now: number): OverRate | undefined;
  /** Counts a refused message. True when it was one too many. */
  isAbuse(connection: Connection, now: number): boolean;
  forget(connectionId: string): void;
}

interface Allowance extends Rate {
  readonly limit: string;
}
type Pair<T> = readonly [messages: T, bytes: T];

interface OfConnection {
  readonly user: string;
  readonly buckets: Pair<Bucket>;
  readonly refusals: Bucket;
}

/** So many entries are kept before those that are as good as new are looked for. */
const PRUNE_FROM = 1_000;

export function createRates(limits: AdmissionLimits, messageBytes: number): Rates {
  const { refusalsPerMinute } = limits;
  const refusals = { perSecond: refusalsPerMinute / 60, burst: refusalsPerMinute };
  const ofConnection = allowances(limits.messagesPerSecond, limits.bytesPerSecond, "");
  const ofUser = allowances(limits.messagesPerSecondPerUser, limits.bytesPerSecondPerUser, " over all connections of yours");
  const connections = createEntries<OfConnection>(
    (entry, now) => isFull(entry.buckets, ofConnection, now) && delayUntil(entry.refusals, refusals, refusalsPerMinute, now) === 0,
  );
  // One who leaves and comes back finds what was left.
  const users = createEntries<Pair<Bucket>>((buckets, now) => isFull(buckets, ofUser, now));

  function allowances(messages: number, bytes: number, whose: string): Pair<Allowance> {
    return [
      { perSecond: messages, burst: 2 * messages, limit: `${messages} messages a second${whose}` },
      // The largest message passes, whatever the rate.
      { perSecond: bytes, burst: Math.max(2 * bytes, messageBytes), limit: `${bytes} bytes a second${whose}` },
    ];
  }

  const entryOf = ({ connectionId, owner }: Connection, now: number): OfConnection =>
    connections.of(connectionId, now, () => ({
      user: ownerName(owner),
      buckets: full(ofConnection, now),
      refusals: { tokens: refusalsPerMinute, at: now },
    }));

  function entriesOf(connection: Connection, now: number): { readonly own: OfConnection; readonly shared: Pair<Bucket> } {
    const own = entryOf(connection, now);
    return { own, shared: users.of(own.user, now, () => full(ofUser, now)) };
  }

  return {
    take(connection, bytes, now) {
      const { own, shared } = entriesOf(connection, now);
      const over = longer(overRate(own.buckets, ofConnection, bytes, now), overRate(shared, ofUser, bytes, now));
      if (over) return over;
      spend(own.buckets, bytes);
      spend(shared, bytes);
      return undefined;
    },
    charge(connection, bytes, now) {
      const { own, shared } = entriesOf(connection, now);
      own.buckets[1].tokens -= bytes;
      shared[1].tokens -= bytes;
    },
    owed(connection, now) {
      const { own, shared } = entriesOf(connection, now);
      return longer(debt(own.buckets, ofConnection, now), debt(shared, ofUser, now));
    },
    isAbuse: (connection, now) => take(entryOf(connection, now).refusals, refusals.perSecond, refusals.burst, now) > 0,
    forget: (connectionId) => connections.forget(connectionId),
  };
}

const full = (rates: Pair<Allowance>, now: number): Pair<Bucket> => [
  { tokens: rates[0].burst, at: now },
  { tokens: rates[1].burst, at: now },
];

const isFull = (buckets: Pair<Bucket>, rates: Pair<Allowance>, now: number): boolean =>
  overRate(buckets, rates, rates[1].burst, now) === undefined && delayUntil(buckets[0], rates[0], rates[0].burst, now) === 0;

function overRate(buckets: Pair<Bucket>, rates: Pair<Allowance>, bytes: number, now: number): OverRate | undefined {
  const messagesMs = delayUntil(buckets[0], rates[0], 1, now);
  const bytesMs = delayUntil(buckets[1], rates[1], bytes, now);
  if (messagesMs === 0 && bytesMs === 0) return undefined;
  return messagesMs > bytesMs ? { limit: rates[0].limit, afterMs: messagesMs } : { limit: rates[1].limit, afterMs: bytesMs };
}

function debt(buckets: Pair<Bucket>, [, { limit, ...rate }]: Pair<Allowance>, now: number): OverRate | undefined {
  const afterMs = delayUntil(buckets[1], rate, 0, now);
  return afterMs > 0 ? { limit, afterMs } : undefined;
}

const longer = (one: OverRate | undefined, other: OverRate | undefined): OverRate | undefined =>
  other && other.afterMs > (one?.afterMs ?? 0) ? other : one;

function spend(buckets: Pair<Bucket>, bytes: number): void {
  buckets[0].tokens -= 1;
  buckets[1].tokens -= bytes;
}

interface Entries<T> {
  of(name: string, now: number, make: () => T): T;
  forget(name: string): void;
}

/** Not all that is made is forgotten by name: what is as good as new goes by itself. */
function createEntries<T>(isAsNew: (entry: T, now: number) => boolean): Entries<T> {
  const entries = new Map<string, T>();
  let pruneAt = PRUNE_FROM;

  function prune(now: number): void {
    for (const [name, entry] of entries) if (isAsNew(entry, now)) entries.delete(name);
    pruneAt = Math.max(PRUNE_FROM, 2 * entries.size);
  }

  return {
    of(name, now, make) {
      const known = entries.get(name);
      if (known) return known;
      if (entries.size >= pruneAt) prune(now);
      const entry = make();
      entries.set(name, entry);
      return entry;
    },
    forget: (name) => void entries.delete(name),
  };
}
