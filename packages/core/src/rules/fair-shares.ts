/**
 * Who goes next: start-time fair queueing (Goyal, Vin and Cheng, 1996) between tenants, then between the users of one,
 * then by priority and time within one user's own requests. Pure; docs/adr/0029-fair-shares.md says why.
 *
 * A share (a tenant, or a user within a tenant) has a turn, a number on a scale of its contest. The lowest goes first;
 * each request that is taken moves it by one part of its weight. The contest's time follows those who are served, and
 * whoever comes anew, or comes back, begins there: it owes nothing to those who waited longer, and is owed nothing.
 *
 * F1 Work-conserving: while anybody waits, somebody goes next.
 * F2 Of two that wait all the time each gets its weight's part, give or take two requests.
 * F3 A newcomer waits for one request of each other share at most.
 * F4 Priority orders one user's own requests and moves nobody else's.
 * F5 Of one user's requests the one that has waited longest is passed over `MAX_PASSED` times in a row at most.
 */
import { between, whyNot } from "./declared-numbers.ts";

/** One share's part in a contest. Objects, told apart by identity. */
export interface Contender {
  readonly turn: number;
  /** Whoever got to this turn first goes first. */
  readonly since: number;
  readonly weight: number;
}

/** What is compared within one user's own requests. */
export interface OwnRequest {
  /** 0–9, 9 first. */
  readonly priority: number;
  /** Epoch ms. */
  readonly runAt: number;
  readonly id: number;
}

/** Requests of the same user that may go before the one that has waited longest, before its turn comes (F5). */
export const MAX_PASSED = 10;
/** Tenants whose bad weight is told of. */
const MAX_COMPLAINTS = 100;
/** Further apart, one request of one tenant would be worth a day of another. */
const WEIGHT = between(0.001, 1_000);

/** How tenants share the slots. A tenant of weight 3 gets three times the share of one of weight 1. */
export interface Shares {
  /** By tenant, 0.001 to 1,000; those that are not named have 1. */
  readonly tenantWeight?: Readonly<Record<string, number>> | ((tenantId: string) => number);
}

export const turnOfNewcomer = (turn: number, time: number): number => Math.max(turn, time);

/** A share that could not go while others did is owed one turn for that, and no more. */
export const turnAfter = (turn: number, time: number, weight: number): number => Math.max(turn + 1 / weight, time);

/**
 * The contest's time after somebody of turn `turn` went. It moves by a little less than one turn of all (`weights` of
 * those that wait): a newcomer goes before those who just had theirs, and a stream of newcomers holds nobody for ever.
 */
export const timeAfter = (time: number, turn: number, weights: number): number => Math.max(time + 1 / (weights + 1), turn);

export const isEarlier = (a: Omit<Contender, "weight">, b: Omit<Contender, "weight">): boolean =>
  a.turn !== b.turn ? a.turn < b.turn : a.since < b.since;

export const hasWaitedLonger = (a: OwnRequest, b: OwnRequest): boolean => (a.runAt !== b.runAt ? a.runAt < b.runAt : a.id < b.id);

export const isMoreUrgent = (a: OwnRequest, b: OwnRequest): boolean =>
  a.priority !== b.priority ? a.priority > b.priority : hasWaitedLonger(a, b);

/** All the requests given, in the order they go if nothing else comes. */
export function fairOrder<R extends OwnRequest>(
  requests: readonly R[],
  of: (request: R) => { readonly tenant: Contender; readonly user: Contender; readonly passed: number },
): R[] {
  const tenants = new Map<Contender, Map<Contender, { passed: number; own: R[] }>>();
  for (const request of requests) {
    const { tenant, user, passed } = of(request);
    let users = tenants.get(tenant);
    if (!users) tenants.set(tenant, (users = new Map()));
    const known = users.get(user);
    if (known) known.own.push(request);
    else users.set(user, { passed, own: [request] });
  }
  const lines = Array.from(tenants, ([tenant, users]) => {
    const each = Array.from(users, ([user, { own, passed }]) => [user, ownOrder(own, passed)] as const);
    return [tenant, inTurns(each)] as const;
  });
  return inTurns(lines);
}

/** One user's requests: by priority, but for the one that has been passed over often enough (F5). */
function ownOrder<R extends OwnRequest>(own: readonly R[], passedSoFar: number): readonly R[] {
  const byUrgency = own.toSorted((a, b) => (isMoreUrgent(a, b) ? -1 : 1));
  if (byUrgency[0]?.priority === byUrgency.at(-1)?.priority) return byUrgency;
  const byAge = own.toSorted((a, b) => (hasWaitedLonger(a, b) ? -1 : 1));
  const order = new Set<R>();
  let passed = passedSoFar;
  let [urgent, old] = [0, 0];
  while (order.size < own.length) {
    while (order.has(byUrgency[urgent]!)) urgent += 1;
    while (order.has(byAge[old]!)) old += 1;
    const next = passed >= MAX_PASSED ? byAge[old]! : byUrgency[urgent]!;
    passed = next === byAge[old] ? 0 : passed + 1;
    order.add(next);
  }
  return [...order];
}

interface Turn<R> {
  readonly request: R;
  readonly turn: number;
  readonly before: number;
  readonly nth: number;
  readonly since: number;
}

/** The requests of all, each contender's in the order given, by turns. */
function inTurns<R>(lines: readonly (readonly [Contender, readonly R[]])[]): readonly R[] & R[] {
  if (lines.length === 1) return [...lines[0]![1]];
  const turns: Turn<R>[] = [];
  for (const [{ turn, since, weight }, own] of lines) {
    for (const [nth, request] of own.entries()) {
      turns.push({ request, turn: turn + nth / weight, before: nth === 0 ? -Infinity : turn + (nth - 1) / weight, nth, since });
    }
  }
  // At the same turn goes first who came to it first, which is who had the turn before it first.
  turns.sort((a, b) => a.turn - b.turn || compare(a.before, b.before) || a.nth - b.nth || a.since - b.since);
  return turns.map(({ request }) => request);
}

const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);

/** Refuses by name what is no weight, where all are known beforehand. */
export function checkShares(shares: Shares): Shares {
  const { tenantWeight } = shares;
  const unknown = Object.keys(shares).find((name) => name !== "tenantWeight");
  if (unknown !== undefined) throw new TypeError(`There is no option "shares.${unknown}"; known is tenantWeight.`);
  if (typeof tenantWeight === "function" || tenantWeight === undefined) return shares;
  for (const [tenantId, weight] of Object.entries(tenantWeight)) {
    const problem = whyNot(weight, WEIGHT);
    if (problem !== undefined) throw new TypeError(`Option "shares.tenantWeight" of tenant "${tenantId}" ${problem}.`);
  }
  return shares;
}

/** Weights as a contest can use them. One that is none counts as 1, and is complained of once. */
export function weigher({ tenantWeight }: Shares, complain: (text: string) => void): (tenantId: string) => number {
  const told = new Set<string>();
  const weightOf = (tenantId: string): unknown => {
    if (typeof tenantWeight !== "function") return tenantWeight && Object.hasOwn(tenantWeight, tenantId) ? tenantWeight[tenantId] : 1;
    try {
      return tenantWeight(tenantId);
    } catch (error) {
      return error;
    }
  };
  return (tenantId) => {
    const weight = weightOf(tenantId);
    const problem = whyNot(weight, WEIGHT);
    if (problem === undefined) return weight as number;
    if (told.size < MAX_COMPLAINTS && !told.has(tenantId)) {
      told.add(tenantId);
      const error = weight instanceof Error ? ` (${weight.message})` : "";
      complain(`Option "shares.tenantWeight" of tenant "${tenantId}" ${problem}${error}. It counts as 1.`);
    }
    return 1;
  };
}
