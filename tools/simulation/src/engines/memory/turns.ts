/** Fair shares (core/rules/fair-shares.ts) by looking at all that wait: whose turn it is, and what a turn costs. */
import { hasWaitedLonger, isEarlier, isMoreUrgent, MAX_PASSED, timeAfter, turnAfter, turnOfNewcomer, type Contender } from "@streamer/core";
import type { Row } from "./data.ts";

interface Share {
  turn: number;
  since: number;
  weight: number;
  waits: boolean;
  /** How often in a row another request went before the one that has waited longest. */
  passed: number;
  readonly users: Contest;
}

export interface Contest {
  time: number;
  latest: number;
  readonly shares: Map<string, Share>;
}

export const createContest = (): Contest => ({ time: 0, latest: 0, shares: new Map() });

let sittings = 0;
const sit = (): number => (sittings += 1);
const newShare = (): Share => ({ turn: 0, since: 0, weight: 1, waits: false, passed: 0, users: createContest() });

function shareOf({ shares }: Contest, name: string): Share {
  const share = shares.get(name) ?? newShare();
  shares.set(name, share);
  return share;
}

/** Who comes, or comes back, begins with the others; who has gone is forgotten once its turn is over. */
function seat(contest: Contest, names: ReadonlySet<string>): void {
  for (const [name, share] of contest.shares) if (!names.has(name)) share.waits = false;
  if (!Array.from(contest.shares.values()).some(({ waits }) => waits)) contest.time = Math.max(contest.time, contest.latest);
  for (const [name, { waits, turn }] of contest.shares) if (!waits && turn <= contest.time) contest.shares.delete(name);
  for (const name of names) {
    const share = shareOf(contest, name);
    if (!share.waits) Object.assign(share, { waits: true, turn: turnOfNewcomer(share.turn, contest.time), since: sit() });
  }
}

function serve(contest: Contest, share: Share): void {
  const weights = Array.from(contest.shares.values()).reduce((sum, { waits, weight }) => sum + (waits ? weight : 0), 0);
  const taken = share.turn;
  share.turn = turnAfter(taken, contest.time, share.weight);
  contest.time = timeAfter(contest.time, taken, weights);
  contest.latest = Math.max(contest.latest, share.turn);
  share.since = sit();
}

const first = <T>(all: readonly T[], goesBefore: (a: T, b: T) => boolean): T =>
  all.reduce((best, one) => (goesBefore(one, best) ? one : best));
const tenantOf = ({ owner }: Row): string => owner.tenantId;
const userOf = ({ owner }: Row): string => owner.userId;

/** The one of `rows` that goes next, whose turn is taken by that. */
export function takeNext(contest: Contest, rows: readonly Row[], weightOf: (tenant: string) => number): Row {
  const tenants = new Set(rows.map(tenantOf));
  seat(contest, tenants);
  for (const name of tenants) contest.shares.get(name)!.weight = weightOf(name);
  const tenantName = first(Array.from(tenants), (a, b) => isEarlier(contest.shares.get(a)!, contest.shares.get(b)!));
  const tenant = contest.shares.get(tenantName)!;
  const ofTenant = rows.filter((row) => tenantOf(row) === tenantName);
  const users = new Set(ofTenant.map(userOf));
  seat(tenant.users, users);
  const userName = first(Array.from(users), (a, b) => isEarlier(tenant.users.shares.get(a)!, tenant.users.shares.get(b)!));
  const user = tenant.users.shares.get(userName)!;
  const own = ofTenant.filter((row) => userOf(row) === userName);
  const oldest = first(own, hasWaitedLonger);
  const next = user.passed >= MAX_PASSED ? oldest : first(own, isMoreUrgent);
  user.passed = next === oldest ? 0 : user.passed + 1;
  serve(tenant.users, user);
  serve(contest, tenant);
  return next;
}

/** What core's `fairOrder` asks of a request: its contenders, the same object each time. */
export function contendersIn(contest: Contest): (row: Row) => { tenant: Contender; user: Contender; passed: number } {
  const known = new Map<string, Contender>();
  const contender = (path: readonly string[], { time, shares }: Contest): Contender => {
    const name = JSON.stringify(path);
    const share = shares.get(path.at(-1)!);
    const made = known.get(name) ?? {
      turn: turnOfNewcomer(share?.turn ?? 0, time),
      since: share?.since ?? Infinity,
      weight: share?.weight ?? 1,
    };
    known.set(name, made);
    return made;
  };
  return (row) => {
    const [tenant, user] = [tenantOf(row), userOf(row)];
    const users = contest.shares.get(tenant)?.users ?? createContest();
    return {
      tenant: contender([tenant], contest),
      user: contender([tenant, user], users),
      passed: users.shares.get(user)?.passed ?? 0,
    };
  };
}
