/** Durability: what resolved is on stable storage (P1); what did not may or may not be, but is never half there. */
import { expect } from "vitest";
import type { ContractTest } from "../harness.ts";
import {
  UNLIMITED,
  CANCEL_EVENTS,
  COMPLETED,
  LEASE_MS,
  RECOVERY,
  created,
  partial,
  progress,
  record,
  replay,
  running,
  submission,
  terms,
} from "../samples.ts";

export function durabilityContract(test: ContractTest): void {
  test("P1 every submit that resolved before the process died is there afterwards, whole", async (harness) => {
    const resolved = new Set<string>();
    const { engine } = harness;
    const enough = new Promise<void>((resolve) => {
      for (let n = 0; n < 300; n += 1) {
        const submit = async (): Promise<void> => {
          await engine.requests.submit(submission(`r${n}`, { payload: { n, pad: "x".repeat(200) } }));
          resolved.add(`r${n}`);
          if (resolved.size === 40) resolve();
        };
        // Those cut off by the death may reject or stay silent: nobody is left to care.
        setImmediate(() => void submit().catch(() => undefined));
      }
    });
    await enough;
    const kept = [...resolved];
    await harness.restart();
    for (const id of kept) expect((await harness.engine.requests.get(submission(id).key)).outcome, id).toBe("found");
    const claims = await harness.engine.requests.claim(terms(1_000));
    for (const claim of claims) {
      expect(claim.payload).toMatchObject({ pad: "x".repeat(200) });
      expect(await replay(harness.engine, claim.lease.key)).toHaveLength(1);
    }
  });

  test("P1 P5 everything written under a lease survives, in the same words", async (harness) => {
    const { lease } = await running(harness.engine, "r1");
    await harness.engine.requests.advance(lease, { events: [partial(0), progress(30), partial(1)], checkpoint: 7, leaseMs: LEASE_MS });
    const before = { frames: await replay(harness.engine, lease.key), record: await record(harness.engine, lease.key) };
    await harness.restart();
    expect({ frames: await replay(harness.engine, lease.key), record: await record(harness.engine, lease.key) }).toEqual(before);
  });

  test("P2 P7 ends survive: results, failures and cancellations", async (harness) => {
    const done = await running(harness.engine, "done");
    await harness.engine.requests.settle(done.lease, COMPLETED);
    await created(harness.engine, "stopped");
    await harness.engine.requests.requestCancel(submission("stopped").key, CANCEL_EVENTS);
    const before = [await record(harness.engine, done.lease.key), await record(harness.engine, submission("stopped").key)];
    await harness.restart();
    const { engine } = harness;
    expect([await record(engine, done.lease.key), await record(engine, submission("stopped").key)]).toEqual(before);
    expect(await engine.requests.recover(RECOVERY)).toEqual([]);
    expect(await engine.requests.claim(terms(10))).toEqual([]);
    expect(await engine.requests.submit(submission("done"))).toMatchObject({ outcome: "existing", record: { status: "COMPLETED" } });
  });

  test("P9 P14 what waits survives with its schedule, its counts and its limits", async (harness) => {
    const limits = { ...UNLIMITED, queued: 2, queuedPerTenant: 2 };
    const runAt = harness.clock.now() + 60_000;
    const again = await running(harness.engine, "again", { limits });
    await harness.engine.requests.reschedule(again.lease, { runAt, events: [] });
    await created(harness.engine, "later", { runAt: runAt + 1_000, priority: 9, limits });
    await harness.restart();
    const { engine, clock } = harness;
    expect(await engine.requests.nextRunAt()).toBe(runAt);
    expect(await engine.requests.submit(submission("more", { limits }))).toMatchObject({ outcome: "refused" });
    expect(await engine.requests.claim(terms(5))).toEqual([]);
    await clock.advance(61_000);
    const claims = await engine.requests.claim(terms(5));
    expect(claims.map(({ requestId, failures }) => [requestId, failures])).toEqual([
      ["later", 0],
      ["again", 1],
    ]);
  });

  test("P6 the epoch of a store outlives its processes", async (harness) => {
    const { epoch } = harness.engine;
    expect(epoch).toMatch(/./);
    await harness.restart();
    expect(harness.engine.epoch).toBe(epoch);
  });
}
