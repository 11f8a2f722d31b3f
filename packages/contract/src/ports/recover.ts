/** Recovery: what a dead process left behind goes back to the queue, once, or ends where it has to (P2, P3). */
import type { Lease } from "@streamer/core";
import { expect } from "vitest";
import type { ContractTest } from "../harness.ts";
import {
  CANCEL_EVENTS,
  COMPLETED,
  LEASE_MS,
  RECOVERY,
  claimed,
  created,
  progress,
  readFrame,
  record,
  replay,
  running,
  submission,
  terms,
} from "../samples.ts";

export function recoverContract(test: ContractTest): void {
  test("P2 P3 an expired lease returns its request once, with one crash more", async ({ engine, clock }) => {
    const { lease } = await running(engine, "r1");
    await clock.advance(LEASE_MS - 1);
    expect(await engine.requests.recover(RECOVERY)).toEqual([]);
    await clock.advance(2);
    const rounds = await Promise.all([engine.requests.recover(RECOVERY), engine.requests.recover(RECOVERY)]);
    expect(rounds.flat()).toMatchObject([{ key: lease.key, outcome: "returned" }]);
    expect(await engine.requests.recover(RECOVERY)).toEqual([]);
    expect(await record(engine, lease.key)).toMatchObject({ status: "PENDING", attempt: 1 });
    expect(await claimed(engine, lease.key)).toMatchObject({ lease: { attempt: 2 }, failures: 0, crashes: 1 });
  });

  test("P3 recovery touches nothing that is waiting, held or ended", async ({ engine, clock }) => {
    await created(engine, "waiting");
    await created(engine, "scheduled", { runAt: clock.now() + 10 * LEASE_MS });
    const held = await running(engine, "held");
    const done = await running(engine, "done");
    await engine.requests.settle(done.lease, COMPLETED);
    await clock.advance(LEASE_MS - 1);
    await engine.requests.advance(held.lease, { events: [], leaseMs: LEASE_MS });
    await clock.advance(LEASE_MS - 1);
    expect(await engine.requests.recover(RECOVERY)).toEqual([]);
    const statuses = [];
    for (const id of ["waiting", "scheduled", "held", "done"]) statuses.push((await record(engine, submission(id).key)).status);
    expect(statuses).toEqual(["PENDING", "PENDING", "PROCESSING", "COMPLETED"]);
  });

  test("P3 recovery takes nothing from a living owner, however late it is", async ({ engine, clock }) => {
    const kept = await running(engine, "kept");
    const { lease } = await running(engine, "dropped");
    // The run before the one that lives: an attempt is a run of its own.
    const again = await running(engine, "again");
    await engine.requests.release(again.lease, { crashed: false });
    const second = await claimed(engine, again.lease.key);
    const asked: string[] = [];
    const isAlive = ({ key, attempt }: Lease): boolean => {
      asked.push(`${key} ${attempt}`);
      return key === kept.lease.key || (key === second.lease.key && attempt === second.lease.attempt);
    };
    await clock.advance(LEASE_MS - 1);
    expect(await engine.requests.recover({ ...RECOVERY, isAlive })).toEqual([]);
    for (let rounds = 0; rounds < 5; rounds += 1) {
      await clock.advance(10 * LEASE_MS);
      const recovered = await engine.requests.recover({ ...RECOVERY, isAlive });
      expect(recovered.map(({ key }) => key)).toEqual(rounds === 0 ? [lease.key] : []);
    }
    expect(asked).toContain(`${second.lease.key} 2`);
    expect(await record(engine, kept.lease.key)).toMatchObject({ status: "PROCESSING", attempt: 1 });
    for (const held of [kept.lease, second.lease]) {
      expect(await engine.requests.settle(held, COMPLETED)).toMatchObject({ outcome: "written" });
    }
    expect(await claimed(engine, lease.key)).toMatchObject({ lease: { attempt: 2 }, crashes: 1 });
  });

  test("P3 a request whose process died three times is quarantined as a dead letter", async ({ engine, clock }) => {
    const { key } = submission("r1");
    await created(engine, "r1");
    const outcomes: string[] = [];
    for (let death = 1; death <= 3; death += 1) {
      await claimed(engine, key);
      await clock.advance(LEASE_MS + 1);
      outcomes.push(...(await engine.requests.recover(RECOVERY)).map(({ outcome }) => outcome));
    }
    expect(outcomes).toEqual(["returned", "returned", "quarantined"]);
    expect(await record(engine, key)).toMatchObject({ status: "FAILED", error: { message: "its process died 3 times" } });
    expect(await engine.requests.claim(terms(1))).toEqual([]);
    expect((await replay(engine, key)).map(readFrame).at(-1)).toMatchObject({ type: "error" });
  });

  test("P3 deaths reported by a release count towards quarantine", async ({ engine, clock }) => {
    const { key } = submission("r1");
    const first = await running(engine, "r1");
    await engine.requests.release(first.lease, { crashed: true });
    const second = await claimed(engine, key);
    await engine.requests.release(second.lease, { crashed: true });
    await claimed(engine, key);
    await clock.advance(LEASE_MS + 1);
    expect(await engine.requests.recover(RECOVERY)).toMatchObject([{ outcome: "quarantined" }]);
  });

  test("P2 P8 a request that was to be cancelled when its process died is CANCELLED", async ({ engine, clock }) => {
    const { lease } = await running(engine, "r1");
    await engine.requests.requestCancel(lease.key, CANCEL_EVENTS);
    await clock.advance(LEASE_MS + 1);
    const recovered = await engine.requests.recover(RECOVERY);
    expect(recovered).toMatchObject([{ key: lease.key, outcome: "cancelled", frames: [{ seq: 3 }, { seq: 4 }] }]);
    expect(await record(engine, lease.key)).toMatchObject({ status: "CANCELLED", error: { code: "CANCELLED" } });
  });

  test("P2 after a process death nobody waits for its leases, and everything it ran comes back once", async (harness) => {
    const held = await running(harness.engine, "held");
    await harness.engine.requests.advance(held.lease, { events: [progress(40)], checkpoint: { row: 40 }, leaseMs: LEASE_MS });
    await created(harness.engine, "fused", { claim: { leaseMs: LEASE_MS } });
    await created(harness.engine, "waiting");
    await harness.restart();
    const { engine } = harness;
    const recovered = await engine.requests.recover(RECOVERY);
    expect(new Set(recovered.map(({ key }) => key))).toEqual(new Set([held.lease.key, submission("fused").key]));
    expect(await engine.requests.recover(RECOVERY)).toEqual([]);
    const claims = await engine.requests.claim(terms(10));
    expect(Object.fromEntries(claims.map(({ requestId, lease, crashes }) => [requestId, [lease.attempt, crashes]]))).toEqual({
      held: [2, 1],
      fused: [2, 1],
      waiting: [1, 0],
    });
    expect(claims.find(({ requestId }) => requestId === "held")?.checkpoint).toEqual({ row: 40 });
    expect(await record(engine, held.lease.key)).toMatchObject({ progress: { percentage: 40 } });
  });

  test("P3 a lease taken after a restart is as good as any", async (harness) => {
    await created(harness.engine, "r1");
    await harness.restart();
    const { engine, clock } = harness;
    const { lease } = await claimed(engine, submission("r1").key);
    await clock.advance(LEASE_MS - 1);
    expect(await engine.requests.recover(RECOVERY)).toEqual([]);
    expect(await engine.requests.settle(lease, COMPLETED)).toMatchObject({ outcome: "written" });
  });
}
