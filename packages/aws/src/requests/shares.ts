/**
 * Fair shares (P15, core/rules/fair-shares.ts) where nobody sees all that waits. The index proposes, the counters decide:
 *
 *   tag       of a request, on its row and first in the index: how far its line had come when it entered, and how many of
 *             its user's own were before it. So the first page of a line has something of everybody who waits there.
 *   turns     of a tenant, and of the users within it, on the tenant's counter: who of that page goes next.
 *
 * Both are read with what is read anyway, and written with counts that are written anyway. Users are told apart by a hash
 * of few values, because the counter is one item: those of the same hash share one share.
 */
import { createHash } from "node:crypto";
import { fairOrder, hasWaitedLonger, timeAfter, turnAfter, turnOfNewcomer } from "@streamer/core";
import { hashOf } from "../dynamodb/keys.ts";
import type { Waiting } from "./rows.ts";

/** Of users within a tenant. More would tell more of them apart, and make every write of the counter dearer. */
const BUCKETS = 16;

/**
 * Users of one hash share one part of their tenant's queue. Each that has ever waited is a number of 4 bytes on an item that
 * every submit writes.
 */
const QUEUE_BUCKETS = 64;

export const tenantHash = (tenant: string): string => hashOf(tenant).slice(0, 22);
export const bucketOf = (user: string): string => (createHash("sha256").update(user).digest()[0]! % BUCKETS).toString(BUCKETS);
/** Part of the names of attributes, and of placeholders for them. */
const actionHash = (action: string): string => createHash("sha256").update(action).digest("hex").slice(0, 6);

/** Numbers of a counter item by the names of their attributes. */
export type Numbers = Readonly<Record<string, unknown>>;
const numberOf = (item: Numbers | undefined, name: string): number => Number(item?.[name] ?? 0);

/** How far the line of an action has come, on a counter: the tag of the request that was chosen from it last. */
const reachedName = (action: string): string => `v${actionHash(action)}`;
/** How many requests of a user wait, due or not, on the tenant's counter: by a hash of more values than that of turns. */
export const waitingName = (user: string): string =>
  `w${(createHash("sha256").update(user).digest()[1]! % QUEUE_BUCKETS).toString(16).padStart(2, "0")}`;

export const isWaitingName = (name: string): boolean => /^w[0-9a-f]{2}$/.test(name);

/** How many requests of one priority a user has waiting for an action, on the tenant's counter. */
export const ownName = (own: { readonly action: string; readonly user: string; readonly priority: number }): string =>
  `n${actionHash(own.action)}${bucketOf(own.user)}${own.priority}`;

export const reached = (counters: readonly Numbers[], action: string): number =>
  counters.reduce((most, counter) => Math.max(most, numberOf(counter, reachedName(action))), 0);

/** Those of the tenant that go before a new request: its user's own, and as many of each other user. */
export function aheadInTenant(
  counter: Numbers,
  { user, priority }: { readonly user: string; readonly priority: number },
): { readonly ahead: number; readonly waiting: number } {
  const bucket = bucketOf(user);
  const perBucket = new Map<string, number>();
  let own = 0;
  for (const [name, value] of Object.entries(counter)) {
    const [, whose, level] = /^n.{6}([0-9a-f])([0-9])$/.exec(name) ?? [];
    if (whose === undefined) continue;
    const count = Math.max(0, Number(value));
    perBucket.set(whose, (perBucket.get(whose) ?? 0) + count);
    if (whose === bucket && Number(level) >= priority) own += count;
  }
  let [ahead, waiting] = [own, 0];
  for (const [whose, count] of perBucket) {
    waiting += count;
    if (whose !== bucket) ahead += Math.min(count, own);
  }
  return { ahead, waiting };
}

/** What is written on the counters when a request was chosen in turn. */
export interface Charge {
  /** On the counter of the shard. */
  readonly counter: Readonly<Record<string, number>>;
  /** On the tenant's counter. */
  readonly tenant: Readonly<Record<string, number>>;
}

interface Side {
  turn: number;
  readonly since: number;
  readonly weight: number;
}
interface TenantSide extends Side {
  time: number;
  readonly users: Map<string, Side & { passed: number }>;
}

/** Whether it takes more than the page itself to put it in order. */
export const needsTurns = (page: readonly Waiting[]): boolean =>
  page.some(({ tenant, bucket, priority }) => tenant !== page[0]!.tenant || bucket !== page[0]!.bucket || priority !== page[0]!.priority);

/** The contest of those on a page. */
export function createTurns(
  page: readonly Waiting[],
  counters: readonly Numbers[],
  tenants: ReadonlyMap<string, Numbers>,
  weightOf: (request: Waiting) => number,
) {
  let time = counters.reduce((most, counter) => Math.max(most, numberOf(counter, "time")), 0);
  const sides = new Map<string, TenantSide>();
  const left = page
    .toSorted((a, b) => a.runAt - b.runAt || a.createdAt - b.createdAt || a.tie - b.tie)
    .map((request, id) => ({ request, id, priority: request.priority, runAt: request.runAt }));
  const isContested = needsTurns(page);
  for (const { request, id } of left) {
    const { tenant, bucket } = request;
    const item = tenants.get(tenant);
    let side = sides.get(tenant);
    if (!side) {
      const turn = turnOfNewcomer(numberOf(item, "turn"), time);
      sides.set(tenant, (side = { turn, since: id, weight: weightOf(request), time: numberOf(item, "user_time"), users: new Map() }));
    }
    if (!side.users.has(bucket)) {
      const turn = turnOfNewcomer(numberOf(item, `turn${bucket}`), side.time);
      side.users.set(bucket, { turn, since: id, weight: 1, passed: numberOf(item, `passed${bucket}`) });
    }
  }
  const sideOf = ({ tenant, bucket }: Waiting) => {
    const side = sides.get(tenant)!;
    return { tenant: side, user: side.users.get(bucket)! };
  };
  const waits = new Set(left);

  return {
    order: fairOrder(left, ({ request }) => {
      const { tenant, user } = sideOf(request);
      return { tenant, user, passed: user.passed };
    }).map(({ request }) => request),

    /** It was taken: whose turn is next. */
    charge: (request: Waiting): Charge => {
      const reachedNow = { [reachedName(request.action)]: request.tag };
      if (!isContested) return { counter: reachedNow, tenant: {} };
      const { tenant, user } = sideOf(request);
      const own = [...waits].filter((other) => other.request.tenant === request.tenant && other.request.bucket === request.bucket);
      const taken = own.find((other) => other.request === request)!;
      user.passed = own.every((other) => other === taken || hasWaitedLonger(taken, other)) ? 0 : user.passed + 1;
      waits.delete(taken);
      const weights = [...sides.values()].reduce((sum, { weight }) => sum + weight, 0);
      const [turn, userTurn] = [tenant.turn, user.turn];
      tenant.turn = turnAfter(turn, time, tenant.weight);
      time = timeAfter(time, turn, weights);
      user.turn = turnAfter(userTurn, tenant.time, 1);
      tenant.time = timeAfter(tenant.time, userTurn, tenant.users.size);
      return {
        counter: { time, ...reachedNow },
        tenant: {
          turn: tenant.turn,
          user_time: tenant.time,
          [`turn${request.bucket}`]: user.turn,
          [`passed${request.bucket}`]: user.passed,
        },
      };
    },
  };
}
