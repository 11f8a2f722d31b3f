/**
 * Counts of what waits (P14) and slots of what runs (concurrency), each changed by one conditional update.
 *
 *   waiting#{shard}   how many requests wait, and how many are due; the limit is dealt out to the shards, so that together
 *                     they never exceed it and no single item takes every write. How far the lines have come (shares.ts)
 *   tenant#{tenant}   how many of one tenant wait, and of which users (told apart by a hash); whose turn it is
 *   slots#{action}, slots#{action}#{tenant}   which attempts run: a set, so that taking and freeing may be repeated
 *
 * A count is changed beside the request, not with it: a process that dies between the two, or an answer that is lost and
 * asked for again, leaves it off by one. `reconcile` puts that right when nothing waits; a tenant's count is put right
 * when it refuses though nothing has changed it for a while, and forgotten after a quiet week; slots are looked through
 * when there is none to be had: who holds one without running is suspected, and loses it when it is found so again a while
 * later. Traffic does not matter to that: each holder is judged by itself. An attempt holds its slots, not its request: who
 * frees those of one that is over, however late, takes none from the next.
 */
import { heldBy, type QueueLimits } from "@streamer/core";
import { shards } from "../dynamodb/keys.ts";
import type { Items } from "../dynamodb/items.ts";
import type { WaitingOf } from "./waiting-of.ts";
import { dealtOut } from "./dealing.ts";
import { aheadInTenant, isWaitingName, ownName, reached, tenantHash, waitingName, type Charge, type Numbers } from "./shares.ts";

/** Where a waiting request is counted. */
export interface Counted {
  readonly shard: number;
  readonly due: boolean;
}
type Entry =
  | { readonly outcome: "entered"; readonly counted: Counted; readonly tag: number; readonly ahead: number }
  | { readonly outcome: "refused"; readonly limit: keyof QueueLimits };

interface WaitingRequest {
  readonly tenant: string;
  readonly user: string;
  readonly action: string;
  readonly priority: number;
  readonly counted?: Counted;
}
/** One attempt of a request. */
interface Attempt {
  readonly pk: string;
  readonly attempt: number;
}
type Slots = { readonly taken: readonly string[] } | { readonly busy: "total" | "perTenant" };
type Concurrency = { readonly total?: number; readonly perTenant?: number } | undefined;

export interface Limits {
  /** Counts a request that is about to wait, unless that would exceed the caps. */
  enter(request: WaitingRequest & { readonly due: boolean }, caps?: QueueLimits): Promise<Entry>;
  /** It waits no longer; chosen in turn, its tenant and user are charged for it. */
  leave(request: WaitingRequest, charge?: Charge): Promise<void>;
  /** Whose turn it is, of these tenants by their hashes. */
  turns(tenants: ReadonlySet<string>): Promise<{ readonly counters: readonly Numbers[]; readonly tenants: ReadonlyMap<string, Numbers> }>;
  /** Slots for one attempt, all that its action's caps ask for; else which of them are all taken. */
  takeSlots(run: Attempt & { readonly action: string; readonly tenant: string }, caps: Concurrency): Promise<Slots>;
  /** The limit that keeps such a run from starting now, if one does. */
  heldBy(run: { readonly action: string; readonly tenant: string }, caps: Concurrency): Promise<ReturnType<typeof heldBy>>;
  freeSlots(run: Attempt, slots: readonly string[] | undefined): Promise<void>;
  /** Sets counts to zero that nothing has changed for a while: to be called when nothing waits. */
  reconcile(now: number): Promise<void>;
}

interface CounterItem {
  readonly pk: string;
  readonly waiting?: number;
  readonly due?: number;
  readonly changed_at?: number;
  /** When what waits of the tenant was counted last. */
  readonly looked_at?: number;
  readonly [number: string]: unknown;
}
interface SlotsItem {
  readonly pk: string;
  readonly holders?: ReadonlySet<string>;
  /** Holders that did not run when it was looked through last. */
  readonly suspects?: ReadonlySet<string>;
  readonly looked_at?: number;
}

/** A count that was changed, or a slot that was taken, within this may belong to a request that is just being written. */
const QUIET_MS = 60_000;
const TENANT_EXPIRY_MS = 7 * 86_400_000;
/** Holders looked up in one go, drawn by lot when there are more: each costs a read. */
const MAX_CHECKED = 25;

const counterKey = (shard: number): string => `waiting#${shard}`;
const TENANT = "tenant#";
const tenantCounter = (hash: string): string => TENANT + hash;

export interface LimitsParts {
  readonly items: Items;
  readonly now: () => number;
  readonly random: () => number;
  readonly isRunning: (run: Attempt) => Promise<boolean>;
  readonly waitingOf: WaitingOf;
}

export function createLimits({ items, now, random, isRunning, waitingOf }: LimitsParts): Limits {
  /** Adds to numbers of a counter and sets others; refused when one that is capped is as high as it may be. */
  function count(pk: string, added: Numbers, set: Numbers, caps: Readonly<Record<string, number>> = {}): Promise<CounterItem | undefined> {
    const isTenant = pk.startsWith(TENANT);
    const wanted = { ...set, changed_at: Math.round(now()), ...(isTenant && { ttl: Math.ceil((now() + TENANT_EXPIRY_MS) / 1_000) }) };
    const all = { ...added, ...wanted };
    const capped = Object.entries(caps).filter(([, cap]) => cap !== Infinity);
    const expression = (names: Numbers, sign: string): string =>
      Object.keys(names)
        .map((name) => `#${name}${sign}:${name}`)
        .join(", ");
    return items.update<CounterItem>(
      { pk },
      {
        set: `ADD ${expression(added, " ")} SET ${expression(wanted, " = ")}`,
        names: Object.fromEntries(Object.keys(all).map((name) => [`#${name}`, name])),
        values: {
          ...Object.fromEntries(Object.entries(all).map(([name, value]) => [`:${name}`, value])),
          ...Object.fromEntries(capped.map(([name, cap]) => [`:most_${name}`, cap])),
        },
        ...(capped.length > 0 && {
          condition: capped.map(([name]) => `(attribute_not_exists(#${name}) OR #${name} < :most_${name})`).join(" AND "),
        }),
      },
    );
  }

  function countTenant(request: WaitingRequest & { readonly due: boolean }, by: 1 | -1, set: Numbers = {}, limits?: QueueLimits) {
    const [name, own] = [tenantCounter(tenantHash(request.tenant)), waitingName(request.user)];
    const caps = limits && { waiting: limits.queuedPerTenant, [own]: limits.queuedPerUser };
    return count(name, { waiting: by, [own]: by, ...(request.due && { [ownName(request)]: by }) }, set, caps);
  }
  const counterKeys = shards.map((shard) => ({ pk: counterKey(shard) }));

  async function enterShard(
    request: WaitingRequest & { readonly due: boolean },
    own: Numbers,
    caps: QueueLimits | undefined,
  ): Promise<Entry> {
    const counters = await items.getAll<CounterItem>(counterKeys);
    const waitingIn = (shard: number): number => counters.find(({ pk }) => pk === counterKey(shard))?.waiting ?? 0;
    const { due } = request;
    const before = due ? Math.max(0, Number(own[ownName(request)]) - 1) : 0;
    const entered = { tag: reached(counters, request.action) + before, ahead: aheadOf(counters, own, request) };
    const capOf = caps && dealtOut(caps.queued, shards.map(waitingIn));
    // The emptiest first: that is also the one that others write least.
    for (const shard of shards.toSorted((a, b) => waitingIn(a) - waitingIn(b))) {
      const cap = capOf?.[shard];
      if (cap !== undefined && cap <= 0) continue;
      if (await count(counterKey(shard), { waiting: 1, ...(due && { due: 1 }) }, {}, cap === undefined ? {} : { waiting: cap })) {
        return { outcome: "entered", counted: { shard, due }, ...entered };
      }
    }
    return { outcome: "refused", limit: "queued" };
  }

  async function takeSlot(pk: string, run: Attempt, cap: number): Promise<boolean> {
    const [holder, before] = [holderOf(run), holderOf({ ...run, attempt: run.attempt - 1 })];
    const taken = await items.update<SlotsItem>(
      { pk },
      {
        set: "ADD holders :one DELETE suspects :one",
        // The attempt before is over, and its process may not have said so yet, or have died.
        condition: "attribute_not_exists(holders) OR size(holders) < :cap OR contains(holders, :holder) OR contains(holders, :before)",
        values: { ":one": new Set([holder]), ":cap": cap, ":holder": holder, ":before": before },
      },
    );
    if (taken?.holders?.has(before)) await freeSlot(pk, before);
    return taken !== undefined;
  }

  /** Frees slots of requests that have not run for a while: their process died between the two writes. */
  async function heal(pk: string): Promise<boolean> {
    const at = Math.round(now());
    // One process looks, once in a while: under load every claim that is refused comes here.
    const slots = await items.update<SlotsItem>(
      { pk },
      {
        set: "SET looked_at = :at",
        condition: "attribute_exists(holders) AND (attribute_not_exists(looked_at) OR looked_at <= :before)",
        values: { ":at": at, ":before": at - QUIET_MS },
      },
    );
    if (!slots) return false;
    const { holders = new Set(), suspects = new Set() } = slots;
    const checked = draw([...holders], MAX_CHECKED, random);
    const looked = await Promise.all(checked.map(async (holder) => ({ holder, runs: await isRunning(attemptOf(holder)) })));
    const found = (runs: boolean, suspected: boolean): readonly string[] =>
      looked.flatMap((one) => (one.runs === runs && suspects.has(one.holder) === suspected ? [one.holder] : []));
    const [gone, fresh, cleared] = [found(false, true), found(false, false), found(true, true)];
    if (fresh.length > 0) await items.update({ pk }, { set: "ADD suspects :some", values: { ":some": new Set(fresh) } });
    if (cleared.length > 0) await items.update({ pk }, { set: "DELETE suspects :some", values: { ":some": new Set(cleared) } });
    // One that has taken its slot again meanwhile is no longer suspected, and keeps it.
    await Promise.all(gone.map((holder) => freeSlot(pk, holder, "contains(suspects, :holder)")));
    return gone.length > 0;
  }

  const freeSlot = (pk: string, holder: string, condition?: string): Promise<unknown> =>
    items.update(
      { pk },
      {
        set: "DELETE holders :one, suspects :one",
        values: { ":one": new Set([holder]), ...(condition !== undefined && { ":holder": holder }) },
        ...(condition !== undefined && { condition }),
      },
    );

  /** Counts anew what waits of a tenant, when nothing has changed its count for a while. True when that was too much. */
  async function healTenant(tenant: string): Promise<boolean> {
    const hash = tenantHash(tenant);
    const key = { pk: tenantCounter(hash) };
    const counter = await items.get<CounterItem>(key);
    if (!counter) return false;
    const { changed_at: changedAt = 0, looked_at: lookedAt = 0 } = counter;
    const at = Math.round(now());
    if (Math.max(changedAt, lookedAt) > at - QUIET_MS) return false;
    const users = await waitingOf(hash);
    const right = users && waitingNumbers(counter, users);
    if (!right || !Object.entries(right).some(([name, there]) => there < Number(counter[name] ?? 0))) {
      await items.update(key, { set: "SET looked_at = :at", condition: "attribute_exists(pk)", values: { ":at": at } });
      return false;
    }
    const names = Object.keys(right);
    const healed = await items.update(key, {
      set: `SET ${names.map((name) => `#${name} = :${name}`).join(", ")}, changed_at = :at`,
      condition: "changed_at = :changed",
      names: Object.fromEntries(names.map((name) => [`#${name}`, name])),
      values: { ...Object.fromEntries(names.map((name) => [`:${name}`, right[name]])), ":at": at, ":changed": changedAt },
    });
    return healed !== undefined;
  }

  /** Which of a tenant's limits has just refused. */
  async function limitOf({ tenant, user }: WaitingRequest, { queuedPerTenant, queuedPerUser }: QueueLimits): Promise<keyof QueueLimits> {
    const counter = await items.get<CounterItem>({ pk: tenantCounter(tenantHash(tenant)) });
    const isTenants = (counter?.waiting ?? 0) >= queuedPerTenant || Number(counter?.[waitingName(user)] ?? 0) < queuedPerUser;
    return isTenants ? "queuedPerTenant" : "queuedPerUser";
  }

  return {
    enter: async (request, caps) => {
      const enterTenant = () => countTenant(request, 1, {}, caps);
      const own = (await enterTenant()) ?? ((await healTenant(request.tenant)) ? await enterTenant() : undefined);
      if (!own) return { outcome: "refused", limit: await limitOf(request, caps!) };
      const entry = await enterShard(request, own, caps);
      if (entry.outcome === "refused") await countTenant(request, -1);
      return entry;
    },
    leave: async (request, charge) => {
      const { counted } = request;
      if (!counted) return;
      await Promise.all([
        count(counterKey(counted.shard), { waiting: -1, ...(counted.due && { due: -1 }) }, charge?.counter ?? {}),
        countTenant({ ...request, due: counted.due }, -1, charge?.tenant),
      ]);
    },
    turns: async (tenants) => {
      const keys = [...counterKeys, ...Array.from(tenants, (hash) => ({ pk: tenantCounter(hash) }))];
      const found = await items.getAll<CounterItem>(keys);
      return {
        counters: found.filter(({ pk }) => !pk.startsWith(TENANT)),
        tenants: new Map(found.flatMap((item) => (item.pk.startsWith(TENANT) ? [[item.pk.slice(TENANT.length), item] as const] : []))),
      };
    },
    takeSlots: async ({ action, tenant, ...run }, caps) => {
      const wanted = [
        ...(caps?.total === undefined ? [] : [["total", slotsOf(action), caps.total] as const]),
        ...(caps?.perTenant === undefined ? [] : [["perTenant", slotsOf(action, tenant), caps.perTenant] as const]),
      ];
      const taken: string[] = [];
      for (const [scope, name, cap] of wanted) {
        if ((await takeSlot(name, run, cap)) || ((await heal(name)) && (await takeSlot(name, run, cap)))) taken.push(name);
        else {
          await Promise.all(taken.map((other) => freeSlot(other, holderOf(run))));
          return { busy: scope };
        }
      }
      return { taken };
    },
    heldBy: async ({ action, tenant }, caps) => {
      if (!caps) return undefined;
      const [total, perTenant] = [slotsOf(action), slotsOf(action, tenant)];
      const taken = await items.getAll<SlotsItem>([total, perTenant].map((pk) => ({ pk })));
      const runningOf = (name: string): number => taken.find(({ pk }) => pk === name)?.holders?.size ?? 0;
      return heldBy({ total: runningOf(total), perTenant: runningOf(perTenant) }, caps);
    },
    freeSlots: async (run, slots = []) => void (await Promise.all(slots.map((name) => freeSlot(name, holderOf(run))))),
    reconcile: async (at) => {
      const counters = await items.getAll<CounterItem>(shards.map((shard) => ({ pk: counterKey(shard) })));
      for (const { pk, changed_at: changedAt = 0, waiting = 0 } of counters) {
        if (waiting === 0 || at - changedAt < QUIET_MS) continue;
        const condition = "changed_at = :changed";
        await items.update(
          { pk },
          { set: "REMOVE #waiting, due", condition, names: { "#waiting": "waiting" }, values: { ":changed": changedAt } },
        );
      }
    },
  };
}

/** The counts of a tenant that there should be, when these users wait, by the names that its counter has. */
function waitingNumbers(counter: CounterItem, users: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = { waiting: users.length };
  for (const name of Object.keys(counter)) if (isWaitingName(name)) counts[name] = 0;
  for (const user of users) counts[waitingName(user)] = (counts[waitingName(user)] ?? 0) + 1;
  return counts;
}

/** So many of them, each as likely as any other. */
function draw(all: readonly string[], count: number, random: () => number): readonly string[] {
  const lots = all.map((one) => [random(), one] as const);
  return (all.length <= count ? lots : lots.toSorted(([a], [b]) => a - b).slice(0, count)).map(([, one]) => one);
}

/** A key has no `@` (rules/identity.ts, keys.ts). */
const holderOf = ({ pk, attempt }: Attempt): string => `${pk}@${attempt}`;
function attemptOf(holder: string): Attempt {
  const at = holder.lastIndexOf("@");
  return { pk: holder.slice(0, at), attempt: Number(holder.slice(at + 1)) };
}

/** The tenant's name may be long and is only told apart, never read back. */
const slotsOf = (action: string, tenant?: string): string => `slots#${action}${tenant === undefined ? "" : `#${tenantHash(tenant)}`}`;

/**
 * Requests that go before a new one. How many tenants wait is not counted: of all others' requests, as many are taken to
 * go first as of its own tenant's.
 */
function aheadOf(counters: readonly CounterItem[], own: Numbers, request: WaitingRequest & { readonly due: boolean }): number {
  const due = counters.reduce((sum, counter) => sum + Math.max(0, counter.due ?? 0), 0);
  const { ahead, waiting } = aheadInTenant(own, request);
  const itself = request.due ? 1 : 0;
  const before = Math.max(0, ahead - itself);
  return before + Math.min(Math.max(0, due - (waiting - itself)), before);
}
