/** A wall clock that is wrong for a while: nothing waits longer for it, and nothing is forgotten by it (P7, P9). */
import { expect } from "vitest";
import type { ContractTest } from "../harness.ts";
import { COMPLETED, DAY_MS, RECOVERY, claimed, created, record, retrying, running, submission, terms } from "../samples.ts";

const HOUR_MS = 3_600_000;
const RETENTION_MS = 2 * DAY_MS;
const nothing = (): Promise<void> => Promise.resolve();

export function wallClockContract(test: ContractTest): void {
  for (const [when, back] of Object.entries({ "while the process lives": false, "after a restart": true })) {
    test(`P9 what was not scheduled is due at once by a clock that was ahead when it was accepted, ${when}`, async (harness) => {
      harness.clock.jump(HOUR_MS);
      await created(harness.engine, "new");
      const released = await running(harness.engine, "released");
      await harness.engine.requests.release(released.lease, { crashed: false });
      await running(harness.engine, "recovered");
      harness.clock.jump(-HOUR_MS);
      if (back) await harness.restart();
      else await harness.clock.advance(10 * HOUR_MS);
      const { engine } = harness;
      expect(await engine.requests.recover(RECOVERY)).toHaveLength(1);
      const claims = await engine.requests.claim(terms(5));
      expect(claims.map(({ requestId }) => requestId).sort()).toEqual(["new", "recovered", "released"]);
      for (const { queueMs } of claims) expect(queueMs).toBeGreaterThanOrEqual(0);
    });

    test(`P9 a wait before the next attempt is no longer by a clock that was ahead, ${when}`, async (harness) => {
      const { clock } = harness;
      clock.jump(HOUR_MS);
      const { lease } = await running(harness.engine, "r1");
      const retryAt = clock.now() + 5_000;
      await harness.engine.requests.reschedule(lease, { runAt: retryAt, events: [retrying(2, retryAt)] });
      clock.jump(-HOUR_MS);
      if (back) await harness.restart();
      const next = (await harness.engine.requests.nextRunAt())!;
      expect(next - clock.now()).toBeGreaterThan(0);
      expect(next - clock.now()).toBeLessThanOrEqual(5_000);
      expect(await harness.engine.requests.claim(terms(5))).toEqual([]);
      await clock.advance(5_000);
      expect(await harness.engine.requests.claim(terms(5))).toHaveLength(1);
    });
  }

  test("P9 what was scheduled goes by the wall clock, wherever that has jumped", async ({ engine, clock }) => {
    await created(engine, "later", { runAt: clock.now() + HOUR_MS });
    clock.jump(-HOUR_MS);
    await clock.advance(HOUR_MS);
    expect(await engine.requests.claim(terms(5))).toEqual([]);
    clock.jump(HOUR_MS);
    expect(await engine.requests.claim(terms(5))).toHaveLength(1);
  });

  test("P9 what is to run after a while waits no longer than that, and no shorter, wherever the wall clock has jumped", async ({
    engine,
    clock,
  }) => {
    clock.jump(HOUR_MS);
    await created(engine, "later", { runAt: clock.now() + 5_000, delayMs: 5_000 });
    expect(await record(engine, submission("later").key)).toMatchObject({ waitingFor: { reason: "scheduled" } });
    clock.jump(-HOUR_MS);
    expect((await engine.requests.nextRunAt())! - clock.now()).toBeLessThanOrEqual(5_000);
    await clock.advance(4_000);
    clock.jump(HOUR_MS);
    expect(await engine.requests.claim(terms(5))).toEqual([]);
    clock.jump(-HOUR_MS);
    await clock.advance(1_000);
    expect(await engine.requests.claim(terms(5))).toHaveLength(1);
  });

  test("P7 nothing is forgotten by a wall clock that is days ahead for a moment", async ({ engine, clock }) => {
    const { lease } = await running(engine, "kept", { retentionMs: RETENTION_MS });
    await engine.requests.settle(lease, COMPLETED);
    clock.jump(8 * DAY_MS);
    expect(await engine.requests.purge(10, nothing)).toBe(0);
    expect(await record(engine, lease.key)).toMatchObject({ status: "COMPLETED", result: { ok: true } });
    expect(await engine.requests.submit(submission("kept"))).toMatchObject({ outcome: "existing" });
    await clock.advance(HOUR_MS / 2);
    expect(await engine.requests.purge(10, nothing)).toBe(0);
    clock.jump(-8 * DAY_MS);
    await clock.advance(HOUR_MS);
    expect(await engine.requests.purge(10, nothing)).toBe(0);
    await clock.advance(RETENTION_MS);
    expect(await engine.requests.purge(10, nothing)).toBe(1);
  });

  test("P7 a wall clock that stays where it jumped to is believed after an hour", async ({ engine, clock }) => {
    const { lease } = await running(engine, "r1", { retentionMs: RETENTION_MS });
    await engine.requests.settle(lease, COMPLETED);
    clock.jump(8 * DAY_MS);
    expect(await engine.requests.purge(10, nothing)).toBe(0);
    await clock.advance(HOUR_MS);
    expect(await engine.requests.purge(10, nothing)).toBe(1);
    expect((await engine.requests.get(lease.key)).outcome).toBeOneOf(["expired", "unknown"]);
  });

  test("P7 a process that starts with a wall clock far ahead forgets nothing in its first hour", async (harness) => {
    const { lease } = await running(harness.engine, "r1", { retentionMs: RETENTION_MS });
    await harness.engine.requests.settle(lease, COMPLETED);
    harness.clock.jump(8 * DAY_MS);
    await harness.restart();
    const { engine, clock } = harness;
    expect(await engine.requests.purge(10, nothing)).toBe(0);
    expect(await record(engine, lease.key)).toMatchObject({ status: "COMPLETED" });
    await clock.advance(HOUR_MS);
    expect(await engine.requests.purge(10, nothing)).toBe(1);
  });

  test("P7 what ends while the wall clock is days behind is kept for its whole retention", async ({ engine, clock }) => {
    const { lease } = await running(engine, "r1", { retentionMs: RETENTION_MS });
    clock.jump(-8 * DAY_MS);
    await engine.requests.settle(lease, COMPLETED);
    clock.jump(8 * DAY_MS);
    await clock.advance(RETENTION_MS - 1);
    expect(await engine.requests.purge(10, nothing)).toBe(0);
    expect(await record(engine, lease.key)).toMatchObject({ status: "COMPLETED" });
    await clock.advance(1);
    expect(await engine.requests.purge(10, nothing)).toBe(1);
  });

  test("P3 P9 a redriven request is due at once, by any clock", async ({ engine, clock }) => {
    const { lease } = await running(engine, "r1");
    await engine.requests.settle(lease, { status: "FAILED", events: [], runMs: 1 });
    clock.jump(HOUR_MS);
    await engine.requests.redrive(lease.key, { type: "acknowledgment", status: "queued", message: "again" });
    clock.jump(-HOUR_MS);
    expect((await claimed(engine, lease.key)).lease.attempt).toBe(2);
  });
}
