/** Trying again: waiting costs nothing (P9), and failures, crashes and attempts are three different counts. */
import { expect } from "vitest";
import type { ContractTest } from "../harness.ts";
import {
  UNLIMITED,
  CANCEL_EVENTS,
  COMPLETED,
  FAILED,
  LEASE_MS,
  claimed,
  created,
  readFrame,
  record,
  replay,
  retrying,
  running,
  submission,
  terms,
} from "../samples.ts";

const ACKNOWLEDGED = { type: "acknowledgment", status: "queued", message: "tried again" } as const;

export function retryContract(test: ContractTest): void {
  test("P9 a rescheduled request waits in RETRYING until its time, and is nobody's meanwhile", async ({ engine, clock }) => {
    const { lease } = await running(engine, "r1");
    const runAt = clock.now() + 5_000;
    const written = await engine.requests.reschedule(lease, { runAt, events: [retrying(2, runAt)] });
    expect(written).toMatchObject({ outcome: "written", frames: [{ seq: 2, kind: "durable" }] });
    expect(await record(engine, lease.key)).toMatchObject({ status: "RETRYING", attempt: 1, runAt });
    expect(await engine.requests.nextRunAt()).toBe(runAt);
    expect(await engine.requests.claim(terms(5))).toEqual([]);
    await clock.advance(LEASE_MS * 3);
    expect(await engine.requests.recover({ isAlive: () => false, quarantineAfter: 1, quarantined: [], cancelled: [] })).toEqual([]);
    expect(await engine.requests.claim(terms(5))).toMatchObject([{ lease: { attempt: 2 }, failures: 1, crashes: 0 }]);
  });

  test("P9 a retry keeps its place in time: those that became runnable earlier go first", async ({ engine, clock }) => {
    const { lease } = await running(engine, "again");
    await engine.requests.reschedule(lease, { runAt: clock.now() + 1_000, events: [] });
    await created(engine, "fresh");
    await clock.advance(2_000);
    await created(engine, "last");
    const order = (await engine.requests.claim(terms(3))).map(({ requestId }) => requestId);
    expect(order).toEqual(["fresh", "again", "last"]);
  });

  test("P3 P9 failures, crashes and attempts are counted apart", async ({ engine, clock }) => {
    const { key } = submission("r1");
    let { lease } = await running(engine, "r1");
    const counts: unknown[] = [];
    const next = async (): Promise<void> => {
      const claim = await claimed(engine, key);
      ({ lease } = claim);
      counts.push([claim.lease.attempt, claim.failures, claim.crashes]);
    };
    await engine.requests.reschedule(lease, { runAt: clock.now(), events: [] });
    await next();
    await engine.requests.release(lease, { crashed: false });
    await next();
    await engine.requests.release(lease, { crashed: true });
    await next();
    await engine.requests.reschedule(lease, { runAt: clock.now(), events: [] });
    await next();
    expect(counts).toEqual([
      [2, 1, 0],
      [3, 1, 0],
      [4, 1, 1],
      [5, 2, 1],
    ]);
  });

  test("P9 what waits for something that is not there yet is due then, and has not failed", async ({ engine, clock }) => {
    const { lease } = await running(engine, "r1");
    await engine.requests.reschedule(lease, { runAt: clock.now(), events: [retrying(1, clock.now())] });
    const again = await claimed(engine, lease.key);
    expect(again.failures).toBe(1);
    await engine.requests.reschedule(again.lease, { runAt: clock.now() + 60_000, events: [], failures: 0 });
    const waits = await record(engine, lease.key);
    expect(waits).toMatchObject({ status: "RETRYING", waitingFor: { reason: "backoff" } });
    expect(waits.error).toBeUndefined();
    expect(await engine.requests.claim(terms(1))).toEqual([]);
    await clock.advance(60_001);
    expect((await claimed(engine, lease.key)).failures).toBe(1);
  });

  test("a checkpoint is handed to the next attempt, the newest one, however the last ended", async ({ engine, clock }) => {
    const { key } = submission("r1");
    let claim = await running(engine, "r1");
    expect(claim.checkpoint).toBeUndefined();
    const save = (checkpoint: { row: number } | null) =>
      engine.requests.advance(claim.lease, { events: [], checkpoint, leaseMs: LEASE_MS });
    await save({ row: 1 });
    await save({ row: 2 });
    await engine.requests.advance(claim.lease, { events: [], leaseMs: LEASE_MS });
    await engine.requests.reschedule(claim.lease, { runAt: clock.now(), events: [] });
    claim = await claimed(engine, key);
    expect(claim.checkpoint).toEqual({ row: 2 });
    await engine.requests.release(claim.lease, { crashed: false });
    claim = await claimed(engine, key);
    expect(claim.checkpoint).toEqual({ row: 2 });
    await save({ row: 3 });
    await clock.advance(LEASE_MS + 1);
    await engine.requests.recover({ isAlive: () => false, quarantineAfter: 3, quarantined: [], cancelled: [] });
    claim = await claimed(engine, key);
    expect(claim.checkpoint).toEqual({ row: 3 });
  });

  test("P9 a dead letter is redriven with fresh counts, on the same cursor", async ({ engine, clock }) => {
    const { key } = submission("r1");
    const first = await running(engine, "r1");
    await engine.requests.release(first.lease, { crashed: true });
    const second = await claimed(engine, key);
    await engine.requests.reschedule(second.lease, { runAt: clock.now(), events: [] });
    const third = await claimed(engine, key);
    await engine.requests.settle(third.lease, FAILED);
    const seq = (await record(engine, key)).seq;

    const redriven = await engine.requests.redrive(key, ACKNOWLEDGED);
    expect(redriven).toMatchObject({ outcome: "redriven", frames: [{ seq: seq + 1, kind: "durable" }] });
    const waiting = await record(engine, key);
    expect(waiting).toMatchObject({ status: "PENDING", seq: seq + 1 });
    expect(waiting.error).toBeUndefined();
    expect(waiting.endedAt).toBeUndefined();

    const again = await claimed(engine, key);
    expect(again).toMatchObject({ lease: { attempt: 4 }, failures: 0, crashes: 0, cancelRequested: false });
    await engine.requests.settle(again.lease, COMPLETED);
    expect(await record(engine, key)).toMatchObject({ status: "COMPLETED", seq: seq + 2 });
    expect((await replay(engine, key)).map(readFrame).map(({ type }) => type)).toEqual([
      "acknowledgment",
      "error",
      "acknowledgment",
      "complete",
    ]);
  });

  test("P9 P14 a dead letter is redriven only where a new request would be accepted, and stays one", async ({ engine }) => {
    const { lease } = await running(engine, "r1");
    await engine.requests.settle(lease, FAILED);
    await created(engine, "waits");
    for (const limit of ["queued", "queuedPerTenant", "queuedPerUser"] as const) {
      const limits = { ...UNLIMITED, queued: 100, queuedPerTenant: 100, [limit]: limit === "queued" ? 0 : 1 };
      expect(await engine.requests.redrive(lease.key, ACKNOWLEDGED, { limits, permissions: [] })).toEqual({ outcome: "refused", limit });
    }
    expect(await record(engine, lease.key)).toMatchObject({ status: "FAILED" });
    const room = { ...UNLIMITED, queued: 100, queuedPerTenant: 2 };
    expect(await engine.requests.redrive(lease.key, ACKNOWLEDGED, { limits: room, permissions: [] })).toMatchObject({
      outcome: "redriven",
    });
  });

  test("P9 only failed requests are redriven", async ({ engine }) => {
    const { key } = submission("r1");
    expect(await engine.requests.redrive(key, ACKNOWLEDGED)).toEqual({ outcome: "unknown" });
    await created(engine, "r1");
    expect(await engine.requests.redrive(key, ACKNOWLEDGED)).toEqual({ outcome: "not_failed", status: "PENDING" });
    const { lease } = await claimed(engine, key);
    expect(await engine.requests.redrive(key, ACKNOWLEDGED)).toEqual({ outcome: "not_failed", status: "PROCESSING" });
    await engine.requests.settle(lease, COMPLETED);
    expect(await engine.requests.redrive(key, ACKNOWLEDGED)).toEqual({ outcome: "not_failed", status: "COMPLETED" });
    await created(engine, "r2");
    await engine.requests.requestCancel(submission("r2").key, CANCEL_EVENTS);
    expect(await engine.requests.redrive(submission("r2").key, ACKNOWLEDGED)).toEqual({ outcome: "not_failed", status: "CANCELLED" });
    expect(await replay(engine, key)).toHaveLength(2);
  });

  test("P9 two redrives at once start one run", async ({ engine }) => {
    const { lease } = await running(engine, "r1");
    await engine.requests.settle(lease, FAILED);
    const outcomes = await Promise.all([
      engine.requests.redrive(lease.key, ACKNOWLEDGED),
      engine.requests.redrive(lease.key, ACKNOWLEDGED),
    ]);
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(["not_failed", "redriven"]);
    expect(await engine.requests.claim(terms(5))).toHaveLength(1);
  });
}
