/** Claiming: which request a free slot gets, and that nobody else gets the same one. */
import { expect } from "vitest";
import type { ContractTest } from "../harness.ts";
import { ALICE, BOB, COMPLETED, EVE, created, submission, terms } from "../samples.ts";

const ids = (claims: readonly { readonly requestId: string }[]): string[] => claims.map(({ requestId }) => requestId);

export function claimContract(test: ContractTest): void {
  test("P3 a request is claimed once, whoever asks at the same time", async ({ engine }) => {
    await Promise.all(Array.from({ length: 30 }, (_, n) => created(engine, `r${n}`)));
    const rounds = await Promise.all(Array.from({ length: 12 }, () => engine.requests.claim(terms(4))));
    const got = rounds.flatMap(ids);
    expect(new Set(got).size).toBe(got.length);
    expect(got.length).toBe(30);
    expect(await engine.requests.claim(terms(10))).toEqual([]);
  });

  test("P3 each claim raises the attempt", async ({ engine }) => {
    await created(engine, "r1");
    for (const attempt of [1, 2, 3, 4]) {
      const [claim] = await engine.requests.claim(terms(1));
      expect(claim?.lease.attempt).toBe(attempt);
      await engine.requests.release(claim!.lease, { crashed: false });
    }
  });

  test("higher priority runs first, then the longest waiting", async ({ engine, clock }) => {
    for (const [id, priority] of Object.entries({ low: 0, first: 5, urgent: 9, second: 5, high: 7 })) {
      await created(engine, id, { priority });
      await clock.advance(10);
    }
    const order: string[] = [];
    for (let n = 0; n < 5; n += 1) order.push(...ids(await engine.requests.claim(terms(1))));
    expect(order).toEqual(["urgent", "high", "first", "second", "low"]);
    expect(ids(await engine.requests.claim(terms(5)))).toEqual([]);
  });

  test("one claim of many comes in the same order", async ({ engine, clock }) => {
    for (const [id, priority] of Object.entries({ c: 1, b: 5, a: 8 })) {
      await created(engine, id, { priority });
      await clock.advance(10);
    }
    expect(ids(await engine.requests.claim(terms(3)))).toEqual(["a", "b", "c"]);
  });

  test("a claim takes no more than the free slots of each lane, and nothing outside the lanes", async ({ engine }) => {
    for (const action of ["work", "heavy", "other"]) for (const n of [1, 2, 3]) await created(engine, `${action}${n}`, { action });
    const claims = await engine.requests.claim(
      terms(0, {
        lanes: [
          { actions: ["work"], free: 2 },
          { actions: ["heavy"], free: 1 },
        ],
      }),
    );
    expect(ids(claims).sort()).toEqual(["heavy1", "work1", "work2"]);
    expect(await engine.requests.claim(terms(0))).toEqual([]);
    expect(await engine.requests.claim({ leaseMs: 1_000, lanes: [], concurrency: {} })).toEqual([]);
  });

  test("actions of one lane share its slots", async ({ engine }) => {
    for (const action of ["work", "heavy"]) for (const n of [1, 2]) await created(engine, `${action}${n}`, { action });
    const claims = await engine.requests.claim(terms(0, { lanes: [{ actions: ["work", "heavy"], free: 3 }] }));
    expect(claims).toHaveLength(3);
  });

  test("a full lane does not hide the requests of another", async ({ engine }) => {
    await Promise.all(Array.from({ length: 150 }, (_, n) => created(engine, `heavy${n}`, { action: "heavy", priority: 9 })));
    await created(engine, "light", { action: "work", priority: 0 });
    const claims = await engine.requests.claim(
      terms(0, {
        lanes: [
          { actions: ["heavy"], free: 0 },
          { actions: ["work"], free: 1 },
        ],
      }),
    );
    expect(ids(claims)).toEqual(["light"]);
  });

  test("P14 no more run at once than the action's total allows, over all claims", async ({ engine }) => {
    for (let n = 0; n < 6; n += 1) await created(engine, `r${n}`);
    const capped = terms(10, { concurrency: { work: { total: 2 } } });
    const claims = (await Promise.all([engine.requests.claim(capped), engine.requests.claim(capped)])).flat();
    expect(claims).toHaveLength(2);
    await engine.requests.settle(claims[0]!.lease, COMPLETED);
    expect(await engine.requests.claim(capped)).toHaveLength(1);
    expect(await engine.requests.claim(capped)).toHaveLength(0);
  });

  test("P14 every way out of running frees the action's slot", async ({ engine, clock }) => {
    const capped = terms(1, { concurrency: { work: { total: 1 } } });
    for (let n = 0; n < 4; n += 1) await created(engine, `r${n}`);
    const next = async () => (await engine.requests.claim(capped))[0]!;
    await engine.requests.settle((await next()).lease, { status: "FAILED", events: COMPLETED.events, runMs: 1 });
    await engine.requests.reschedule((await next()).lease, { runAt: clock.now() + 10 * 60_000, events: [] });
    await engine.requests.release((await next()).lease, { crashed: false });
    await next();
    await clock.advance(31_000);
    await engine.requests.recover({ isAlive: () => false, quarantineAfter: 3, quarantined: [], cancelled: [] });
    expect(await next()).toBeDefined();
  });

  test("P10 P14 a tenant at its cap hides nobody, however long its queue", async ({ engine }) => {
    await Promise.all(Array.from({ length: 300 }, (_, n) => created(engine, `r${n}`, { priority: 9, owner: n % 2 ? ALICE : BOB })));
    await created(engine, "theirs", { owner: EVE, priority: 0 });
    const claims = await engine.requests.claim(terms(50, { concurrency: { work: { perTenant: 2 } } }));
    expect(claims.map(({ owner }) => owner.tenantId).sort()).toEqual(["acme", "acme", "evil"]);
  });

  test("a scheduled request is not claimed before its time, and is after", async ({ engine, clock }) => {
    const runAt = clock.now() + 60_000;
    await created(engine, "later", { runAt });
    expect(await engine.requests.claim(terms(1))).toEqual([]);
    expect(await engine.requests.nextRunAt()).toBe(runAt);
    await clock.advance(59_999);
    expect(await engine.requests.claim(terms(1, { key: submission("later").key }))).toEqual([]);
    await clock.advance(1);
    expect(ids(await engine.requests.claim(terms(1)))).toEqual(["later"]);
    expect(await engine.requests.nextRunAt()).toBeUndefined();
  });

  test("the next run time is the earliest of all that wait", async ({ engine, clock }) => {
    expect(await engine.requests.nextRunAt()).toBeUndefined();
    await created(engine, "b", { runAt: clock.now() + 2_000 });
    await created(engine, "a", { runAt: clock.now() + 1_000 });
    expect(await engine.requests.nextRunAt()).toBe(clock.now() + 1_000);
  });

  test("a claim by key takes that one, once, and only when it is runnable", async ({ engine }) => {
    await created(engine, "r1");
    await created(engine, "r2");
    const { key } = submission("r2");
    expect(ids(await engine.requests.claim(terms(5, { key })))).toEqual(["r2"]);
    expect(await engine.requests.claim(terms(5, { key }))).toEqual([]);
    expect(await engine.requests.claim(terms(5, { key: submission("nobody").key }))).toEqual([]);
    expect(ids(await engine.requests.claim(terms(5)))).toEqual(["r1"]);
  });

  test("a claim by key keeps to lanes and caps like any other", async ({ engine }) => {
    await created(engine, "r1");
    await created(engine, "r2");
    const { key } = submission("r2");
    expect(await engine.requests.claim(terms(0, { key, lanes: [{ actions: ["other"], free: 1 }] }))).toEqual([]);
    const concurrency = { work: { total: 1 } };
    await engine.requests.claim(terms(1, { key: submission("r1").key, concurrency }));
    expect(await engine.requests.claim(terms(1, { key, concurrency }))).toEqual([]);
    expect(ids(await engine.requests.claim(terms(1, { key })))).toEqual(["r2"]);
  });

  test("a claim says how long the request could have been running", async ({ engine, clock }) => {
    await created(engine, "now");
    await created(engine, "later", { runAt: clock.now() + 1_000 });
    await clock.advance(2_500);
    const claims = await engine.requests.claim(terms(2));
    const queueMs = Object.fromEntries(claims.map((claim) => [claim.requestId, claim.queueMs]));
    expect(queueMs).toEqual({ now: 2_500, later: 1_500 });
  });
}
