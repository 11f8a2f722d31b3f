/** Submitting: one durable write that stores, queues, numbers the acknowledgment, and runs nothing twice. */
import { expect } from "vitest";
import type { ContractTest } from "../harness.ts";
import {
  UNLIMITED,
  ALICE,
  BOB,
  COMPLETED,
  DAY_MS,
  EVE,
  claimed,
  created,
  readFrame,
  record,
  replay,
  running,
  submission,
  terms,
  CANCEL_EVENTS,
} from "../samples.ts";

export function submitContract(test: ContractTest): void {
  test("P1 submit stores the request and its acknowledgment, seq 1, as one write", async ({ engine, clock }) => {
    const metadata = { source: "test", page: 3, share: 1e-200, most: 1e200, draft: false, parent: null };
    const { frames, claim } = await created(engine, "r1", { metadata, priority: 7 });
    const { key } = submission("r1");
    expect(claim).toBeUndefined();
    expect(frames.map(readFrame)).toEqual([
      {
        type: "acknowledgment",
        request_id: "r1",
        seq: 1,
        timestamp: clock.now(),
        status: "queued",
        message: "accepted",
        position: 0,
      },
    ]);
    expect(frames[0]).toMatchObject({ seq: 1, kind: "durable" });
    expect(await replay(engine, key)).toEqual(frames);
    expect(await record(engine, key)).toMatchObject({
      key,
      requestId: "r1",
      owner: ALICE,
      action: "work",
      status: "PENDING",
      attempt: 0,
      seq: 1,
      metadata,
      createdAt: clock.now(),
      runAt: clock.now(),
    });
  });

  test("P4 the same id with the same payload is answered with what there is", async ({ engine }) => {
    await created(engine, "r1");
    const again = await engine.requests.submit(submission("r1"));
    expect(again).toMatchObject({ outcome: "existing", record: { requestId: "r1", status: "PENDING", seq: 1 } });
    expect(await engine.requests.claim(terms(10))).toHaveLength(1);
    expect(await engine.requests.submit(submission("r1"))).toMatchObject({ outcome: "existing", record: { status: "PROCESSING" } });
    expect(await replay(engine, submission("r1").key)).toHaveLength(1);
  });

  test("P4 the same id with another payload is a conflict and changes nothing", async ({ engine }) => {
    await created(engine, "r1", { payload: { n: 1 } });
    expect(await engine.requests.submit(submission("r1", { payload: { n: 2 } }))).toEqual({ outcome: "conflict", requestId: "r1" });
    const [claim] = await engine.requests.claim(terms(10));
    expect(claim).toMatchObject({ requestId: "r1", payload: { n: 1 } });
  });

  test("P4 the same idempotency key under another id names the first request", async ({ engine }) => {
    await created(engine, "first", { idempotencyKey: "order-17", payload: 1 });
    const { key } = submission("second");
    expect(await engine.requests.submit(submission("second", { idempotencyKey: "order-17", payload: 1 }))).toMatchObject({
      outcome: "existing",
      record: { requestId: "first" },
    });
    expect(await engine.requests.submit(submission("third", { idempotencyKey: "order-17", payload: 2 }))).toEqual({
      outcome: "conflict",
      requestId: "first",
    });
    expect(await engine.requests.get(key)).toEqual({ outcome: "unknown" });
    expect(await engine.requests.claim(terms(10))).toHaveLength(1);
  });

  test("P4 P10 ids and idempotency keys of another user or tenant are other requests", async ({ engine }) => {
    for (const owner of [ALICE, BOB, EVE]) {
      const outcome = await engine.requests.submit(
        submission("r1", { owner, idempotencyKey: "k", payload: owner.userId + owner.tenantId }),
      );
      expect(outcome.outcome).toBe("created");
    }
    const claims = await engine.requests.claim(terms(10));
    expect(claims.map(({ owner }) => owner)).toEqual(expect.arrayContaining([ALICE, BOB, EVE]));
    expect(claims).toHaveLength(3);
  });

  test("P4 many submits of one id at once create it once", async ({ engine }) => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => engine.requests.submit(submission("r1", { idempotencyKey: "k" }))));
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(["created", ...Array.from({ length: 19 }, () => "existing")]);
    expect(await engine.requests.claim(terms(50))).toHaveLength(1);
  });

  test("P14 over the limit of waiting requests a submit is refused, and nothing is stored", async ({ engine }) => {
    const limits = { ...UNLIMITED, queued: 3, queuedPerTenant: 100 };
    for (const id of ["r1", "r2", "r3"]) await created(engine, id, { limits });
    expect(await engine.requests.submit(submission("r4", { limits }))).toEqual({ outcome: "refused", limit: "queued" });
    expect(await engine.requests.get(submission("r4").key)).toEqual({ outcome: "unknown" });
    // P4 goes first: a repeat needs no room.
    expect(await engine.requests.submit(submission("r1", { limits }))).toMatchObject({ outcome: "existing" });
    // A request that runs waits no more.
    expect(await engine.requests.claim(terms(1))).toHaveLength(1);
    await created(engine, "r4", { limits });
  });

  test("P14 one tenant at its limit leaves room to the others", async ({ engine }) => {
    const limits = { ...UNLIMITED, queued: 100, queuedPerTenant: 2 };
    await created(engine, "r1", { limits });
    await created(engine, "r2", { limits, owner: BOB });
    expect(await engine.requests.submit(submission("r3", { limits }))).toEqual({ outcome: "refused", limit: "queuedPerTenant" });
    await created(engine, "r3", { limits, owner: EVE });
  });

  test("P14 one user at its limit leaves room to its colleagues, whenever its requests are to run", async ({ engine, clock }) => {
    const limits = { ...UNLIMITED, queuedPerUser: 2 };
    const nextYear = { limits, runAt: clock.now() + 360 * DAY_MS };
    await created(engine, "r1", nextYear);
    await created(engine, "r2", { limits });
    for (const more of [nextYear, { limits }]) {
      expect(await engine.requests.submit(submission("r3", more))).toEqual({ outcome: "refused", limit: "queuedPerUser" });
    }
    await created(engine, "r3", { limits, owner: BOB });
    await created(engine, "r3", { limits, owner: EVE });
    // What runs, or waits no more, makes room.
    expect(await engine.requests.claim(terms(1, { key: submission("r2").key }))).toHaveLength(1);
    await created(engine, "r3", nextYear);
    await engine.requests.requestCancel(submission("r1").key, CANCEL_EVENTS);
    await created(engine, "r4", nextYear);
    expect(await engine.requests.submit(submission("r5", nextYear))).toEqual({ outcome: "refused", limit: "queuedPerUser" });
  });

  test("P14 submits at once never exceed the limit together", async ({ engine }) => {
    const limits = { ...UNLIMITED, queued: 7, queuedPerTenant: 100 };
    const outcomes = await Promise.all(Array.from({ length: 30 }, (_, n) => engine.requests.submit(submission(`r${n}`, { limits }))));
    expect(outcomes.filter(({ outcome }) => outcome === "created")).toHaveLength(7);
    expect(outcomes.filter(({ outcome }) => outcome === "refused")).toHaveLength(23);
  });

  test("P3 a submit that claims is running when it resolves, and nobody else gets it", async ({ engine, clock }) => {
    const { claim, frames } = await created(engine, "r1", { claim: { leaseMs: 30_000 }, payload: { deep: [1, { two: null }] } });
    expect(claim).toMatchObject({
      lease: { key: submission("r1").key, attempt: 1 },
      requestId: "r1",
      owner: ALICE,
      action: "work",
      payload: { deep: [1, { two: null }] },
      maxAttempts: 3,
      timeoutMs: 60_000,
      failures: 0,
      crashes: 0,
      cancelRequested: false,
      submittedAt: clock.now(),
      queueMs: 0,
    });
    expect(frames.map(readFrame)).toMatchObject([{ type: "acknowledgment", status: "processing", seq: 1 }]);
    expect(await engine.requests.claim(terms(10))).toEqual([]);
    expect(await record(engine, submission("r1").key)).toMatchObject({ status: "PROCESSING", attempt: 1 });
  });

  test("the position in the acknowledgment counts the runnable requests ahead", async ({ engine, clock }) => {
    const positions: unknown[] = [];
    const submits = [{ priority: 5 }, { priority: 5, runAt: clock.now() + DAY_MS }, { priority: 5 }, { priority: 9 }];
    for (const [n, more] of submits.entries()) {
      const { frames } = await created(engine, `r${n}`, more);
      const message = readFrame(frames[0]!);
      positions.push(message.type === "acknowledgment" && message.position);
    }
    // The scheduled one is not runnable, so nobody waits for it; the urgent one has nobody ahead.
    expect([positions[0], positions[2], positions[3]]).toEqual([0, 1, 0]);
  });

  test("whatever JSON a payload holds comes back as it was", async ({ engine }) => {
    const payloads = [null, 0, "", "\u0000 \ud83d\ude00 \u2028", [], {}, { "": { "a.b": [1.5e-9, -1] } }, "x".repeat(200_000)];
    for (const [n, payload] of payloads.entries()) await created(engine, `r${n}`, { payload });
    const claims = await engine.requests.claim(terms(100));
    expect(new Map(claims.map(({ requestId, payload }) => [requestId, payload]))).toEqual(
      new Map(payloads.map((payload, n) => [`r${n}`, payload])),
    );
  });

  test("P12 names with a NUL are names, and are not cut there", async ({ engine }) => {
    const owner = { tenantId: "t\u0000", userId: "u\u0000v" };
    const metadata = { "k\u0000": "v\u0000w" };
    for (const n of [1, 2])
      await created(engine, `a\u0000${n}`, { owner, metadata, payload: `x\u0000${n}`, idempotencyKey: `i\u0000${n}` });
    const found = await record(engine, submission("a\u00001", { owner }).key);
    expect(found).toMatchObject({ requestId: "a\u00001", owner, metadata });
    const claims = await engine.requests.claim(terms(5));
    expect(new Map(claims.map(({ requestId, payload }) => [requestId, payload]))).toEqual(
      new Map([
        ["a\u00001", "x\u00001"],
        ["a\u00002", "x\u00002"],
      ]),
    );
    expect((await engine.requests.list({ ...owner, limit: 10 })).records).toHaveLength(2);
    expect((await engine.requests.list({ ...owner, userId: "u", limit: 10 })).records).toEqual([]);
  });

  test("P12 times and lengths that are no whole numbers are taken all the same", async ({ engine, clock }) => {
    const { lease } = await running(engine, "r1", { timeoutMs: 1_500.5, retentionMs: 86_400_000.25, runAt: clock.now() - 0.5 });
    expect(await engine.requests.advance(lease, { events: [], leaseMs: 10_000 / 3 })).toMatchObject({ outcome: "advanced" });
    expect(await engine.requests.reschedule(lease, { runAt: clock.now() + 12.5, events: [] })).toMatchObject({ outcome: "written" });
    const waiting = await record(engine, lease.key);
    expect(Number.isInteger(waiting.runAt)).toBe(true);
    await clock.advance(20);
    const again = await claimed(engine, lease.key);
    expect(await engine.requests.settle(again.lease, COMPLETED)).toMatchObject({ outcome: "written" });
  });

  test("P12 a payload, a checkpoint and a result of the largest frame's size are kept whole", async ({ engine }) => {
    const large = "\u00e9".repeat(500_000);
    await created(engine, "r1", { payload: { large } });
    const [claim] = await engine.requests.claim(terms(1));
    expect(claim?.payload).toEqual({ large });
    await engine.requests.advance(claim!.lease, { events: [], checkpoint: { large }, leaseMs: 30_000 });
    await engine.requests.release(claim!.lease, { crashed: false });
    const [second] = await engine.requests.claim(terms(1));
    expect(second?.checkpoint).toEqual({ large });
    await engine.requests.settle(second!.lease, {
      status: "COMPLETED",
      events: [{ type: "complete", result: { large }, metadata: { attempts: 2, queue_ms: 0, run_ms: 1 } }],
      runMs: 1,
    });
    expect((await record(engine, claim!.lease.key)).result).toEqual({ large });
    const frames = await replay(engine, claim!.lease.key);
    expect(readFrame(frames.at(-1)!)).toMatchObject({ type: "complete", result: { large } });
  });
}
