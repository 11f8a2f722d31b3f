/** Cancelling: at once while it waits, by telling the run while it runs, and too late afterwards (P8). */
import { expect } from "vitest";
import type { ContractTest } from "../harness.ts";
import {
  CANCEL_EVENTS,
  COMPLETED,
  DAY_MS,
  FAILED,
  LEASE_MS,
  RECOVERY,
  cancelled,
  claimed,
  created,
  readFrame,
  receipt,
  record,
  replay,
  running,
  submission,
  terms,
} from "../samples.ts";

export function cancelContract(test: ContractTest): void {
  for (const [state, runAfterMs] of Object.entries({ "is waiting": 0, "is scheduled for later": DAY_MS })) {
    test(`P8 a request that ${state} is CANCELLED at once, and never runs`, async ({ engine, clock }) => {
      await created(engine, "r1", runAfterMs > 0 ? { runAt: clock.now() + runAfterMs } : {});
      const { key } = submission("r1");
      const outcome = await engine.requests.requestCancel(key, CANCEL_EVENTS);
      expect(outcome).toMatchObject({ outcome: "cancelled", frames: [{ seq: 2 }, { seq: 3 }, { seq: 4 }] });
      expect(await record(engine, key)).toMatchObject({ status: "CANCELLED", error: { code: "CANCELLED" }, endedAt: clock.now() });
      await clock.advance(runAfterMs + 1);
      expect(await engine.requests.claim(terms(5))).toEqual([]);
      expect(await engine.requests.nextRunAt()).toBeUndefined();
      expect((await replay(engine, key)).map(readFrame)).toMatchObject([
        { type: "acknowledgment" },
        { type: "cancellation", stage: "requested" },
        { type: "cancellation", stage: "stopped" },
        { type: "error", error: { code: "CANCELLED" } },
      ]);
    });
  }

  test("P8 a request that waits to be retried is CANCELLED at once", async ({ engine, clock }) => {
    const { lease } = await running(engine, "r1");
    await engine.requests.reschedule(lease, { runAt: clock.now() + 1_000, events: [] });
    expect(await engine.requests.requestCancel(lease.key, CANCEL_EVENTS)).toMatchObject({ outcome: "cancelled" });
    await clock.advance(2_000);
    expect(await engine.requests.claim(terms(5))).toEqual([]);
  });

  for (const ending of ["complete", "failed"] as const) {
    test(`P8 a run that has ${ending} before it heard of its cancellation ends with the receipt that it was too late`, async ({
      engine,
    }) => {
      const end = ending === "complete" ? COMPLETED : FAILED;
      const tooLate = { type: "cancellation", stage: "too_late" } as const;
      const [asked, unasked] = [await running(engine, "r1"), await running(engine, "r2")];
      await engine.requests.requestCancel(asked.lease.key, CANCEL_EVENTS);
      for (const { lease } of [asked, unasked]) await engine.requests.settle(lease, { ...end, tooLate });
      const told = async (key: typeof asked.lease.key): Promise<readonly unknown[]> =>
        (await replay(engine, key)).map(readFrame).flatMap((event) => (event.type === "cancellation" ? [event.stage] : []));
      expect(await told(asked.lease.key)).toEqual(["requested", "too_late"]);
      expect((await replay(engine, asked.lease.key)).map(readFrame).at(-1)).toMatchObject({ type: end.events.at(-1)!.type });
      expect(await told(unasked.lease.key)).toEqual([]);
    });
  }

  test("P8 a running request is asked once, told at its next write, and settled by its run", async ({ engine }) => {
    const { lease } = await running(engine, "r1");
    expect(await engine.requests.advance(lease, { events: [], leaseMs: LEASE_MS })).toMatchObject({ cancelRequested: false });
    const asked = await engine.requests.requestCancel(lease.key, CANCEL_EVENTS);
    expect(asked).toMatchObject({ outcome: "requested", frames: [{ seq: 2 }] });
    expect(await engine.requests.requestCancel(lease.key, CANCEL_EVENTS)).toEqual({ outcome: "requested", frames: [] });
    expect(await record(engine, lease.key)).toMatchObject({ status: "PROCESSING", seq: 2 });
    for (let n = 0; n < 2; n += 1) {
      expect(await engine.requests.advance(lease, { events: [], leaseMs: LEASE_MS })).toMatchObject({
        outcome: "advanced",
        cancelRequested: true,
      });
    }
    const settled = await engine.requests.settle(lease, {
      status: "CANCELLED",
      events: [receipt("observed"), receipt("stopped"), cancelled],
      runMs: 9,
    });
    expect(settled).toMatchObject({ outcome: "written" });
    expect(await record(engine, lease.key)).toMatchObject({ status: "CANCELLED", error: { code: "CANCELLED" } });
  });

  test("P2 P8 a run that completed before it was told stays COMPLETED", async ({ engine }) => {
    const { lease } = await running(engine, "r1");
    await engine.requests.requestCancel(lease.key, CANCEL_EVENTS);
    await engine.requests.settle(lease, { status: "COMPLETED", events: [receipt("too_late"), ...COMPLETED.events], runMs: 1 });
    expect(await record(engine, lease.key)).toMatchObject({ status: "COMPLETED", result: { ok: true } });
  });

  test("P8 a cancellation asked for outlives the run that was to be told", async ({ engine }) => {
    const { lease } = await running(engine, "r1");
    await engine.requests.requestCancel(lease.key, CANCEL_EVENTS);
    await engine.requests.release(lease, { crashed: false });
    const again = await engine.requests.claim(terms(1));
    // Handed back: the next run is told from the start, unless the engine ended it while it waited.
    if (again.length > 0) expect(again).toMatchObject([{ lease: { attempt: 2 }, cancelRequested: true }]);
    else expect(await record(engine, lease.key)).toMatchObject({ status: "CANCELLED" });
  });

  test("P8 a run that was told to stop before it was durable is stored as one that is to be cancelled", async ({ engine, clock }) => {
    const outcome = await engine.requests.submit(submission("r1", { claim: { leaseMs: LEASE_MS }, cancellation: receipt("requested") }));
    expect(outcome).toMatchObject({ outcome: "created", frames: [{ seq: 1 }, { seq: 2 }], claim: { cancelRequested: true } });
    const { key } = submission("r1");
    expect(await record(engine, key)).toMatchObject({ status: "PROCESSING", seq: 2 });
    expect((await replay(engine, key)).map(readFrame)).toMatchObject([
      { type: "acknowledgment" },
      { type: "cancellation", stage: "requested" },
    ]);
    expect(await engine.requests.requestCancel(key, CANCEL_EVENTS)).toEqual({ outcome: "requested", frames: [] });
    // Whatever becomes of its process.
    await clock.advance(2 * LEASE_MS);
    expect(await engine.requests.recover(RECOVERY)).toMatchObject([{ key, outcome: "cancelled" }]);
    expect(await record(engine, key)).toMatchObject({ status: "CANCELLED" });
  });

  test("P8 cancelling what has ended is too late, and writes nothing", async ({ engine }) => {
    const done = await running(engine, "done");
    await engine.requests.settle(done.lease, COMPLETED);
    const broken = await running(engine, "broken");
    await engine.requests.settle(broken.lease, FAILED);
    await created(engine, "stopped");
    await engine.requests.requestCancel(submission("stopped").key, CANCEL_EVENTS);
    for (const id of ["done", "broken", "stopped"]) {
      const { key } = submission(id);
      const before = await record(engine, key);
      expect(await engine.requests.requestCancel(key, CANCEL_EVENTS), id).toEqual({ outcome: "too_late", seq: before.seq });
      expect(await record(engine, key)).toEqual(before);
    }
  });

  test("P10 cancelling what is not there says so", async ({ engine }) => {
    expect(await engine.requests.requestCancel(submission("nobody").key, CANCEL_EVENTS)).toEqual({ outcome: "unknown" });
  });

  test("P2 P8 a cancellation and a claim at once leave one story", async ({ engine }) => {
    for (let n = 0; n < 10; n += 1) {
      const id = `r${n}`;
      const { key } = submission(id);
      await created(engine, id);
      const [asked, claims] = await Promise.all([
        engine.requests.requestCancel(key, CANCEL_EVENTS),
        engine.requests.claim(terms(1, { key })),
      ]);
      const { status } = await record(engine, key);
      expect([asked.outcome, claims.length, status]).toSatisfy(
        (story: unknown[]) => story.join() === "cancelled,0,CANCELLED" || story.join() === "requested,1,PROCESSING",
      );
    }
  });

  test("P9 a redriven request no longer knows of an old cancellation", async ({ engine }) => {
    const { lease } = await running(engine, "r1");
    await engine.requests.requestCancel(lease.key, CANCEL_EVENTS);
    await engine.requests.settle(lease, FAILED);
    await engine.requests.redrive(lease.key, { type: "acknowledgment", status: "queued", message: "again" });
    expect(await claimed(engine, lease.key)).toMatchObject({ cancelRequested: false });
  });
}
