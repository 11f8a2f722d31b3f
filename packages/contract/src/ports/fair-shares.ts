/** Fair shares (P15): whose request a free slot gets, when more wait than can run. */
import { expect } from "vitest";
import type { ClaimTerms, Engine, Owner, Submission } from "@streamer/core";
import type { ContractTest } from "../harness.ts";
import { COMPLETED, created, readFrame, terms } from "../samples.ts";

const owner = (tenantId: string, userId = "u"): Owner => ({ tenantId, userId });

async function queue(engine: Engine, name: string, count: number, more: Partial<Submission>): Promise<void> {
  for (let n = 0; n < count; n += 1) await created(engine, `${name}${n}`, more);
}

/** One slot, one run after the other. */
async function serve(engine: Engine, count: number, more: Partial<ClaimTerms> = {}): Promise<readonly string[]> {
  const order: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const [claim] = await engine.requests.claim(terms(1, more));
    if (!claim) break;
    order.push(claim.requestId);
    await engine.requests.settle(claim.lease, COMPLETED);
  }
  return order;
}
const of = (order: readonly string[], name: string): number => order.filter((id) => id.startsWith(name)).length;

async function positionOf(engine: Engine, id: string, more: Partial<Submission>): Promise<number | undefined> {
  const { frames } = await created(engine, id, more);
  const message = readFrame(frames[0]!);
  return message.type === "acknowledgment" ? message.position : undefined;
}

export function fairSharesContract(test: ContractTest): void {
  test("P15 a tenant's first request is claimed within the next two, whatever others have waiting", async ({ engine }) => {
    await queue(engine, "a", 50, { owner: owner("A"), priority: 9 });
    expect(of(await serve(engine, 5), "a")).toBe(5);
    await created(engine, "b", { owner: owner("B"), priority: 0 });
    expect(await serve(engine, 2)).toContain("b");
  });

  test("P15 the same before anything has run, and in one claim of many", async ({ engine }) => {
    await queue(engine, "a", 30, { owner: owner("A"), priority: 9 });
    for (const tenant of ["B", "C"]) await created(engine, tenant, { owner: owner(tenant), priority: 0 });
    const claims = await engine.requests.claim(terms(4));
    expect(claims.map(({ requestId }) => requestId)).toEqual(expect.arrayContaining(["B", "C"]));
  });

  test("P15 a user's first request is claimed within the next two of their tenant", async ({ engine }) => {
    await queue(engine, "a", 30, { owner: owner("A", "alice"), priority: 9 });
    await serve(engine, 3);
    await created(engine, "bob", { owner: owner("A", "bob"), priority: 0 });
    expect(await serve(engine, 2)).toContain("bob");
  });

  test("P15 tenants that wait get the same, however many users and priorities they have", async ({ engine }) => {
    for (const user of ["u1", "u2", "u3"]) {
      for (const priority of [1, 5, 9]) await queue(engine, `a-${user}-${priority}-`, 4, { owner: owner("A", user), priority });
    }
    await queue(engine, "b", 20, { owner: owner("B") });
    const order = await serve(engine, 20);
    expect(of(order, "b")).toBeGreaterThanOrEqual(9);
    expect(of(order, "b")).toBeLessThanOrEqual(11);
    for (const user of ["u1", "u2", "u3"]) expect(of(order, `a-${user}`)).toBeGreaterThanOrEqual(2);
  });

  test("P15 a tenant of weight 3 gets three times as much as one of weight 1", async ({ engine }) => {
    await queue(engine, "a", 25, { owner: owner("A") });
    await queue(engine, "b", 25, { owner: owner("B") });
    const order = await serve(engine, 20, { weightOf: (tenant) => (tenant === "A" ? 3 : 1) });
    expect(of(order, "a")).toBeGreaterThanOrEqual(13);
    expect(of(order, "a")).toBeLessThanOrEqual(17);
  });

  test("P15 priority counts within one user's own requests", async ({ engine }) => {
    await queue(engine, "low", 3, { owner: owner("A"), priority: 1 });
    await queue(engine, "high", 3, { owner: owner("A"), priority: 8 });
    await queue(engine, "b", 6, { owner: owner("B"), priority: 5 });
    const order = await serve(engine, 12);
    expect(order.filter((id) => !id.startsWith("b"))).toEqual(["high0", "high1", "high2", "low0", "low1", "low2"]);
    // B's are neither held by the one nor ahead of the other.
    expect(of(order.slice(0, 6), "b")).toBeGreaterThanOrEqual(2);
    expect(of(order.slice(0, 6), "b")).toBeLessThanOrEqual(4);
  });

  test("P15 a stream of urgent requests does not hold the same user's other ones for ever", async ({ engine, clock }) => {
    await created(engine, "low", { owner: owner("A"), priority: 0 });
    await queue(engine, "first", 2, { owner: owner("A"), priority: 9 });
    const order: string[] = [];
    for (let n = 0; n < 20; n += 1) {
      await clock.advance(10);
      await created(engine, `high${n}`, { owner: owner("A"), priority: 9 });
      order.push(...(await serve(engine, 1)));
    }
    expect(order[0]).toBe("first0");
    expect(order).toContain("low");
  });

  test("P15 a slot is never left free for the sake of a share", async ({ engine }) => {
    await queue(engine, "a", 12, { owner: owner("A") });
    expect(await engine.requests.claim(terms(5))).toHaveLength(5);
    await created(engine, "b", { owner: owner("B") });
    expect(await engine.requests.claim(terms(20))).toHaveLength(8);
  });

  test("P15 time spent away is no credit: who comes back begins with the others", async ({ engine }) => {
    await queue(engine, "a", 10, { owner: owner("A") });
    await created(engine, "b", { owner: owner("B") });
    await serve(engine, 9);
    await queue(engine, "b-again", 10, { owner: owner("B") });
    await queue(engine, "a-again", 10, { owner: owner("A") });
    const order = await serve(engine, 10);
    expect(of(order, "b")).toBeGreaterThanOrEqual(4);
    expect(of(order, "b")).toBeLessThanOrEqual(6);
  });

  test("P14 P15 a limit that holds one tenant hides no other, and lifts none above them", async ({ engine }) => {
    const concurrency = { work: { perTenant: 1 } };
    await queue(engine, "a", 20, { owner: owner("A") });
    const [held] = await engine.requests.claim(terms(1, { concurrency }));
    await queue(engine, "b", 3, { owner: owner("B") });
    await queue(engine, "c", 3, { owner: owner("C") });
    expect(await serve(engine, 2, { concurrency })).toEqual(["b0", "c0"]);
    await engine.requests.settle(held!.lease, COMPLETED);
    const order = await serve(engine, 6, { concurrency });
    expect([of(order, "b"), of(order, "c")]).toEqual([2, 2]);
  });

  test("P15 how long the line of one action is holds nobody's first request for another", async ({ engine }) => {
    const lanes = (action: string) => ({ lanes: [{ actions: [action], free: 1 }] });
    await queue(engine, "slow", 40, { owner: owner("A"), action: "slow" });
    for (const tenant of ["A", "C"]) await queue(engine, `fast-${tenant}-`, 30, { owner: owner(tenant), action: "fast" });
    expect(await serve(engine, 40, lanes("fast"))).toHaveLength(40);
    await created(engine, "b", { owner: owner("B"), action: "slow" });
    expect(await serve(engine, 2, lanes("slow"))).toContain("b");
  });

  test("P15 priority counts over all that a user asks for", async ({ engine }) => {
    await created(engine, "low", { owner: owner("A"), priority: 2 });
    await created(engine, "high", { owner: owner("A"), priority: 8, action: "other" });
    await created(engine, "b", { owner: owner("B"), priority: 5 });
    const order = await serve(engine, 3, { lanes: [{ actions: ["work", "other"], free: 1 }] });
    expect(order.filter((id) => id !== "b")).toEqual(["high", "low"]);
    expect(order.slice(0, 2)).toContain("b");
  });

  test("P15 the position is what goes first by these rules", async ({ engine }) => {
    await queue(engine, "a", 20, { owner: owner("A", "alice"), priority: 9 });
    expect(await positionOf(engine, "next", { owner: owner("A", "alice"), priority: 9 })).toBe(20);
    expect(await positionOf(engine, "bob", { owner: owner("A", "bob"), priority: 0 })).toBeLessThanOrEqual(1);
    expect(await positionOf(engine, "b", { owner: owner("B") })).toBeLessThanOrEqual(1);
  });

  test("P15 what is handed back, or tried again, takes its turn like what has just come", async ({ engine, clock }) => {
    await queue(engine, "a", 10, { owner: owner("A") });
    await created(engine, "b", { owner: owner("B") });
    for (let n = 0; n < 3; n += 1) {
      const claims = await engine.requests.claim(terms(2));
      const back = claims.find(({ requestId }) => requestId === "b");
      expect(back, `round ${n}`).toBeDefined();
      if (n % 2) await engine.requests.release(back!.lease, { crashed: false });
      else await engine.requests.reschedule(back!.lease, { runAt: clock.now(), events: [] });
    }
  });

  test("P15 a restart forgets nobody's share", async (harness) => {
    await queue(harness.engine, "a", 20, { owner: owner("A"), priority: 9 });
    await queue(harness.engine, "b", 5, { owner: owner("B"), priority: 0 });
    await harness.restart();
    const order = await serve(harness.engine, 8);
    expect(of(order, "b")).toBeGreaterThanOrEqual(3);
    expect(of(order, "b")).toBeLessThanOrEqual(5);
  });
}
