import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  MAX_PASSED,
  checkShares,
  fairOrder,
  hasWaitedLonger,
  isEarlier,
  isMoreUrgent,
  timeAfter,
  turnAfter,
  turnOfNewcomer,
  weigher,
  type Contender,
} from "./fair-shares.ts";

interface Sample {
  readonly id: number;
  readonly tenant: string;
  readonly user: string;
  readonly priority: number;
  readonly runAt: number;
}
const sample = (id: number, more: Partial<Sample> = {}): Sample => ({ id, tenant: "A", user: "a", priority: 5, runAt: id, ...more });

/** Everybody's first turn is 0, in the order they came. */
function order(requests: readonly Sample[], weights: Readonly<Record<string, number>> = {}, passed = 0): readonly Sample[] {
  const known = new Map<string, Contender>();
  const contender = (name: string, weight = 1): Contender => {
    if (!known.has(name)) known.set(name, { turn: 0, since: known.size, weight });
    return known.get(name)!;
  };
  return fairOrder(requests, ({ tenant, user }) => ({
    tenant: contender(tenant, weights[tenant]),
    user: contender(`${tenant}/${user}`),
    passed,
  }));
}
const many = (count: number, more: Partial<Sample>, from = 0): Sample[] => Array.from({ length: count }, (_, n) => sample(from + n, more));

const requests = fc
  .array(
    fc.record({
      tenant: fc.constantFrom("A", "B", "C"),
      user: fc.constantFrom("a", "b", "c"),
      priority: fc.nat(9),
      runAt: fc.nat(20),
    }),
    { maxLength: 60 },
  )
  .map((all) => all.map((one, id) => ({ ...one, id })));

describe("fair order", () => {
  it("F1 everybody goes, once", () => {
    fc.assert(
      fc.property(requests, (all) => {
        expect(order(all).toSorted((a, b) => a.id - b.id)).toEqual(all);
      }),
    );
  });

  it("F2 of two that wait all the time each gets its weight's part, give or take two", () => {
    const weight = fc.constantFrom(0.5, 1, 2, 3, 10);
    fc.assert(
      fc.property(weight, weight, fc.integer({ min: 1, max: 5 }), (a, b, users) => {
        const all = [
          ...Array.from({ length: 200 }, (_, n) => sample(n, { tenant: "A", user: `u${n % users}` })),
          ...many(200, { tenant: "B" }, 200),
        ];
        const went = { A: 0, B: 0 };
        for (const { tenant } of order(all, { A: a, B: b })) {
          went[tenant as "A" | "B"] += 1;
          if (Math.max(went.A, went.B) === 200) break;
          expect(Math.abs(went.A / a - went.B / b)).toBeLessThanOrEqual(2 / Math.min(a, b));
        }
      }),
    );
  });

  it("F3 F4 whatever others have waiting, of any priority, one request of each goes before a user's first", () => {
    fc.assert(
      fc.property(requests, (others) => {
        const all = [...others, sample(1_000, { tenant: "N", user: "n", priority: 0 })];
        const place = order(all).findIndex(({ tenant }) => tenant === "N");
        expect(place).toBeLessThanOrEqual(new Set(others.map(({ tenant }) => tenant)).size);
        const colleague = [...others, sample(1_000, { tenant: "A", user: "n", priority: 0 })].filter(({ tenant }) => tenant === "A");
        const within = order(colleague).findIndex(({ user }) => user === "n");
        expect(within).toBeLessThanOrEqual(new Set(colleague.map(({ user }) => user)).size - 1);
      }),
    );
  });

  it("F4 the priorities of one user move nobody else", () => {
    fc.assert(
      fc.property(requests, fc.array(fc.nat(9), { minLength: 60, maxLength: 60 }), (all, priorities) => {
        const changed = all.map((one) => (one.user === "a" ? { ...one, priority: priorities[one.id]! } : one));
        const others = (went: readonly Sample[]) => went.map(({ id, user }) => (user === "a" ? undefined : id));
        expect(others(order(changed))).toEqual(others(order(all)));
      }),
    );
  });

  it("of one user's requests the more urgent go first, then those that have waited longer", () => {
    const all = [sample(0, { priority: 0 }), sample(1), sample(2, { priority: 9 }), sample(3), sample(4, { priority: 7 })];
    expect(order(all).map(({ id }) => id)).toEqual([2, 4, 1, 3, 0]);
  });

  it("F5 the one that has waited longest is passed over so many times in a row and no more", () => {
    const all = [sample(0, { priority: 0 }), ...many(50, { priority: 9 }, 1)];
    expect(order(all).findIndex(({ id }) => id === 0)).toBe(MAX_PASSED);
    expect(order(all, {}, MAX_PASSED - 2).findIndex(({ id }) => id === 0)).toBe(2);
    fc.assert(
      fc.property(requests, (some) => {
        const went = order(some.map((one) => ({ ...one, tenant: "A", user: "a" })));
        const left = new Set(went);
        let passed = 0;
        for (const one of went) {
          const oldest = [...left].reduce((a, b) => (b.runAt < a.runAt || (b.runAt === a.runAt && b.id < a.id) ? b : a));
          passed = one === oldest ? 0 : passed + 1;
          expect(passed).toBeLessThanOrEqual(MAX_PASSED);
          left.delete(one);
        }
      }),
    );
  });
});

describe("turns", () => {
  it("F3 a newcomer goes before whoever has just had a turn", () => {
    const [turn, time] = [turnAfter(0, 0, 1), timeAfter(0, 0, 1)];
    expect(turnOfNewcomer(0, time)).toBeLessThan(turn);
  });

  it("whoever had to stay away is owed one turn, however long that was", () => {
    expect(turnAfter(3, 1_000, 1)).toBe(1_000);
    expect(turnOfNewcomer(3, 1_000)).toBe(1_000);
  });

  it("a stream of newcomers holds nobody for ever: time goes on while they are served", () => {
    let time = 0;
    const waits = turnAfter(0, time, 1);
    let served = 0;
    while (turnOfNewcomer(0, time) < waits) {
      time = timeAfter(time, turnOfNewcomer(0, time), 2);
      served += 1;
    }
    expect(served).toBeLessThanOrEqual(3);
  });
});

describe("weights", () => {
  it("refuses a weight that is none, by name", () => {
    for (const weight of [0, -1, Number.NaN, Infinity, 1e9, "3"]) {
      expect(() => checkShares({ tenantWeight: { acme: weight as number } })).toThrow('tenant "acme"');
    }
    checkShares({ tenantWeight: { acme: 3, other: 0.5 } });
    checkShares({});
    expect(() => checkShares({ tenantWeights: {} } as object)).toThrow('no option "shares.tenantWeights"');
  });

  it("tenants that are not named have 1, those of Object's own names among them", () => {
    const weightOf = weigher({ tenantWeight: { acme: 3 } }, expect.fail);
    expect(["acme", "other", "toString", "__proto__"].map(weightOf)).toEqual([3, 1, 1, 1]);
  });

  it("what a function answers amiss counts as 1, and is said once", () => {
    const complaints: string[] = [];
    const weightOf = weigher(
      {
        tenantWeight: (tenant) => {
          if (tenant === "bad") throw new Error("no such plan");
          return tenant === "none" ? Number.NaN : 2;
        },
      },
      (text) => complaints.push(text),
    );
    expect(["bad", "none", "good", "bad", "none"].map(weightOf)).toEqual([1, 1, 2, 1, 1]);
    expect(complaints).toHaveLength(2);
    expect(complaints[0]).toContain("no such plan");
  });

  it("a hundred tenants of bad weight are told of, and no more", () => {
    const complaints: string[] = [];
    const weightOf = weigher({ tenantWeight: () => Number.NaN }, (text) => complaints.push(text));
    for (let tenant = 0; tenant < 150; tenant += 1) expect(weightOf(`tenant ${tenant}`)).toBe(1);
    expect(complaints).toHaveLength(100);
  });
});

describe("who goes first", () => {
  it("of two shares the one of the earlier turn, then the one that came to it first", () => {
    const at = (turn: number, since: number) => ({ turn, since });
    expect(isEarlier(at(1, 9), at(2, 0))).toBe(true);
    expect(isEarlier(at(2, 0), at(1, 9))).toBe(false);
    expect(isEarlier(at(1, 0), at(1, 1))).toBe(true);
    expect(isEarlier(at(1, 1), at(1, 0))).toBe(false);
    expect(isEarlier(at(1, 1), at(1, 1))).toBe(false);
  });

  it("of one user's requests the one that has waited longer, then the one that came first", () => {
    const of = (runAt: number, id: number) => ({ priority: 5, runAt, id });
    expect(hasWaitedLonger(of(1, 9), of(2, 0))).toBe(true);
    expect(hasWaitedLonger(of(2, 0), of(1, 9))).toBe(false);
    expect(hasWaitedLonger(of(1, 0), of(1, 1))).toBe(true);
    expect(hasWaitedLonger(of(1, 1), of(1, 0))).toBe(false);
    expect(hasWaitedLonger(of(1, 1), of(1, 1))).toBe(false);
  });

  it("F4 of one user's requests the more urgent, whenever it came", () => {
    const of = (priority: number, runAt: number) => ({ priority, runAt, id: 1 });
    expect(isMoreUrgent(of(9, 5), of(0, 1))).toBe(true);
    expect(isMoreUrgent(of(0, 1), of(9, 5))).toBe(false);
    expect(isMoreUrgent(of(5, 1), of(5, 2))).toBe(true);
    expect(isMoreUrgent(of(5, 2), of(5, 1))).toBe(false);
  });

  it("at the same turn the share that had the turn before it first, whoever was first to come", () => {
    const turns = new Map<string, Contender>([
      ["heavy", { turn: 0, since: 1, weight: 2 }],
      ["light", { turn: 0, since: 0, weight: 1 }],
    ]);
    const all = [...many(5, { tenant: "heavy" }), ...many(3, { tenant: "light" }, 10)];
    const user = new Map(Array.from(turns.keys(), (name) => [name, { turn: 0, since: 0, weight: 1 }] as const));
    const went = fairOrder(all, ({ tenant }) => ({ tenant: turns.get(tenant)!, user: user.get(tenant)!, passed: 0 }));
    // Turns: heavy at 0, ½, 1, 1½, 2; light at 0, 1, 2. At 1 light had its turn before at 0, heavy at ½.
    expect(went.map(({ id }) => id)).toEqual([10, 0, 1, 11, 2, 3, 12, 4]);
  });

  it("the turn before decides whichever share is looked at first", () => {
    const heavy = { turn: 0, since: 1, weight: 2 };
    const light = { turn: 0, since: 0, weight: 1 };
    const user = { turn: 0, since: 0, weight: 1 };
    const of = (tenant: string) => ({ tenant: tenant === "heavy" ? heavy : light, user, passed: 0 });
    const [h, l] = [many(3, { tenant: "heavy" }), many(2, { tenant: "light" }, 10)];
    for (const all of [
      [...h, ...l],
      [...l, ...h],
    ])
      expect(fairOrder(all, ({ tenant }) => of(tenant)).map(({ id }) => id)).toEqual([10, 0, 1, 11, 2]);
  });

  it("F5 whoever waits longest once the oldest went by its urgency is passed over so many times, too", () => {
    const all = [sample(0, { priority: 9 }), sample(1, { priority: 0 }), ...many(25, { priority: 5 }, 2)];
    expect(
      order(all)
        .map(({ id }) => id)
        .indexOf(1),
    ).toBe(MAX_PASSED + 1);
  });

  it("F5 of requests of several priorities the oldest waits for ten others, and is then the next", () => {
    const all = [sample(0, { priority: 0 }), ...many(25, { priority: 9 }, 1), sample(26, { priority: 0 })];
    const ids = order(all).map(({ id }) => id);
    expect(ids.indexOf(0)).toBe(MAX_PASSED);
    expect(order(all, {}, MAX_PASSED)[0]!.id).toBe(0);
    expect(
      order(all, {}, MAX_PASSED - 1)
        .map(({ id }) => id)
        .indexOf(0),
    ).toBe(1);
  });

  it("a share of more weight moves less with each request that is taken", () => {
    expect(turnAfter(3, 0, 4)).toBe(3.25);
    expect(turnAfter(3, 5, 4)).toBe(5);
  });
});
