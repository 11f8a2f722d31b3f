/** Leases: one owner at a time, told inside the write (P3); what the owner writes is numbered and read back (P5). */
import { expect } from "vitest";
import type { Lease, Requests } from "@streamer/core";
import type { ContractTest, Harness } from "../harness.ts";
import {
  COMPLETED,
  DAY_MS,
  FAILED,
  LEASE_MS,
  RECOVERY,
  claimed,
  complete,
  failed,
  partial,
  progress,
  readFrame,
  record,
  replay,
  running,
} from "../samples.ts";

/** Every verb that takes a lease, with something to write. */
const LEASED: Readonly<Record<string, (requests: Requests, lease: Lease, now: number) => Promise<{ outcome: string }>>> = {
  advance: (requests, lease) => requests.advance(lease, { events: [partial(99)], checkpoint: "stale", leaseMs: LEASE_MS }),
  reschedule: (requests, lease, now) => requests.reschedule(lease, { runAt: now + 1, events: [partial(99)] }),
  release: (requests, lease) => requests.release(lease, { crashed: false }),
  "release of a crash": (requests, lease) => requests.release(lease, { crashed: true }),
  "settle as completed": (requests, lease) => requests.settle(lease, COMPLETED),
  "settle as failed": (requests, lease) => requests.settle(lease, FAILED),
};

/** How a lease is lost, each leaving the old one behind. */
const LOSSES: Readonly<Record<string, (harness: Harness, lease: Lease) => Promise<void>>> = {
  "expired and was taken back": async ({ engine, clock }, { key }) => {
    await clock.advance(LEASE_MS + 1);
    expect(await engine.requests.recover(RECOVERY)).toMatchObject([{ key, outcome: "returned" }]);
  },
  "expired and was claimed by another": async ({ engine, clock }, { key }) => {
    await clock.advance(LEASE_MS + 1);
    expect(await engine.requests.recover(RECOVERY)).toMatchObject([{ key, outcome: "returned" }]);
    await claimed(engine, key);
  },
  "was released": async ({ engine }, lease) => {
    expect(await engine.requests.release(lease, { crashed: false })).toMatchObject({ outcome: "written" });
  },
  "was rescheduled": async ({ engine, clock }, lease) => {
    expect(await engine.requests.reschedule(lease, { runAt: clock.now() + DAY_MS, events: [] })).toMatchObject({ outcome: "written" });
  },
  "was settled": async ({ engine }, lease) => {
    expect(await engine.requests.settle(lease, COMPLETED)).toMatchObject({ outcome: "written" });
  },
  "belonged to a process that died": async (harness, { key }) => {
    await harness.restart();
    expect(await harness.engine.requests.recover(RECOVERY)).toMatchObject([{ key, outcome: "returned" }]);
  },
};

export function leaseContract(test: ContractTest): void {
  for (const [loss, lose] of Object.entries(LOSSES)) {
    test(`P3 no verb writes anything under a lease that ${loss}`, async (harness) => {
      const { lease } = await running(harness.engine, "r1");
      await lose(harness, lease);
      const before = { record: await record(harness.engine, lease.key), frames: await replay(harness.engine, lease.key) };
      for (const [verb, write] of Object.entries(LEASED)) {
        expect(await write(harness.engine.requests, lease, harness.clock.now()), verb).toEqual({ outcome: "lost" });
      }
      expect({ record: await record(harness.engine, lease.key), frames: await replay(harness.engine, lease.key) }).toEqual(before);
    });
  }

  test("P3 a lease of another attempt, or of no request, writes nothing", async ({ engine, clock }) => {
    const { lease } = await running(engine, "r1");
    for (const wrong of [
      { ...lease, attempt: 2 },
      { ...lease, attempt: 0 },
      { ...lease, key: `${lease.key}x` as typeof lease.key },
    ]) {
      for (const [verb, write] of Object.entries(LEASED)) {
        expect(await write(engine.requests, wrong, clock.now()), verb).toEqual({ outcome: "lost" });
      }
    }
    expect(await record(engine, lease.key)).toMatchObject({ status: "PROCESSING", seq: 1 });
  });

  test("P3 advance renews the lease for as long as it says", async ({ engine, clock }) => {
    const { lease } = await running(engine, "r1");
    for (let n = 0; n < 5; n += 1) {
      await clock.advance(LEASE_MS - 1);
      expect(await engine.requests.advance(lease, { events: [], leaseMs: LEASE_MS })).toMatchObject({ outcome: "advanced", frames: [] });
      expect(await engine.requests.recover(RECOVERY)).toEqual([]);
    }
    await engine.requests.advance(lease, { events: [], leaseMs: 5_000 });
    await clock.advance(5_001);
    expect(await engine.requests.recover(RECOVERY)).toMatchObject([{ key: lease.key, outcome: "returned" }]);
    expect(await engine.requests.advance(lease, { events: [], leaseMs: LEASE_MS })).toEqual({ outcome: "lost" });
  });

  for (const [verb, write] of Object.entries(LEASED)) {
    test(`P3 a lease whose time is over and that nobody has taken is as good as any: ${verb}`, async ({ engine, clock }) => {
      const { lease } = await running(engine, "r1");
      await clock.advance(10 * LEASE_MS);
      expect((await write(engine.requests, lease, clock.now())).outcome).not.toBe("lost");
    });
  }

  test("P3 a lease whose time is over and that nobody has taken is renewed by the next write", async ({ engine, clock }) => {
    const { lease } = await running(engine, "r1");
    await clock.advance(10 * LEASE_MS);
    const advanced = await engine.requests.advance(lease, { events: [progress(50)], leaseMs: LEASE_MS });
    expect(advanced).toMatchObject({ outcome: "advanced", frames: [{ seq: 2 }], cancelRequested: false });
    await clock.advance(LEASE_MS - 1);
    expect(await engine.requests.recover(RECOVERY)).toEqual([]);
    expect(await engine.requests.settle(lease, COMPLETED)).toMatchObject({ outcome: "written" });
    expect(await record(engine, lease.key)).toMatchObject({ status: "COMPLETED", attempt: 1 });
  });

  test("P3 jumps of the wall clock end no lease, and keep none alive", async ({ engine, clock }) => {
    const { lease } = await running(engine, "r1");
    for (const jump of [DAY_MS, -2 * DAY_MS, 366 * DAY_MS]) {
      clock.jump(jump);
      expect(await engine.requests.recover(RECOVERY)).toEqual([]);
      expect(await engine.requests.advance(lease, { events: [], leaseMs: LEASE_MS })).toMatchObject({ outcome: "advanced" });
    }
    clock.jump(-100 * DAY_MS);
    await clock.advance(LEASE_MS + 1);
    expect(await engine.requests.recover(RECOVERY)).toMatchObject([{ outcome: "returned" }]);
  });

  test("P2 a request is settled once, by whoever comes first", async ({ engine }) => {
    const { lease } = await running(engine, "r1");
    const outcomes = await Promise.all([
      engine.requests.settle(lease, COMPLETED),
      engine.requests.settle(lease, FAILED),
      engine.requests.settle(lease, { status: "CANCELLED", events: [failed()], runMs: 1 }),
    ]);
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(["lost", "lost", "written"]);
    const ends = (await replay(engine, lease.key)).map(readFrame).filter(({ type }) => type === "complete" || type === "error");
    expect(ends).toHaveLength(1);
  });

  test("P5 seq rises by one over the whole life of a request, across its attempts", async ({ engine, clock }) => {
    const seqs = [1];
    const { lease } = await running(engine, "r1");
    const write = async (frames: Promise<{ outcome: string; frames?: readonly { seq: number }[] }>): Promise<void> => {
      const written = await frames;
      expect(written.outcome).not.toBe("lost");
      seqs.push(...written.frames!.map(({ seq }) => seq));
    };
    await write(engine.requests.advance(lease, { events: [progress(10), partial(0), progress(20)], leaseMs: LEASE_MS }));
    await write(engine.requests.reschedule(lease, { runAt: clock.now(), events: [failedOnce(clock.now())] }));
    const second = await claimed(engine, lease.key);
    expect(second.lease.attempt).toBe(2);
    await write(engine.requests.advance(second.lease, { events: [partial(1)], leaseMs: LEASE_MS }));
    await write(engine.requests.release(second.lease, { crashed: false }));
    const third = await claimed(engine, lease.key);
    await write(engine.requests.settle(third.lease, COMPLETED));
    expect(seqs).toEqual(seqs.map((_, at) => at + 1));
    expect(await record(engine, lease.key)).toMatchObject({ seq: seqs.at(-1), attempt: 3, status: "COMPLETED" });
  });

  test("P7 the record shows the newest progress, then the result", async ({ engine, clock }) => {
    const { lease } = await running(engine, "r1");
    await engine.requests.advance(lease, {
      events: [
        progress(10),
        { type: "progress", percentage: 25.5, message: "quarter", stage: "read", metadata: { rows: 3 }, attempt: 1 },
        partial(0),
      ],
      leaseMs: LEASE_MS,
    });
    expect((await record(engine, lease.key)).progress).toEqual({
      percentage: 25.5,
      message: "quarter",
      stage: "read",
      metadata: { rows: 3 },
    });
    await clock.advance(1_000);
    await engine.requests.settle(lease, { status: "COMPLETED", events: [progress(100), complete([1, 2])], runMs: 1_000 });
    const settled = await record(engine, lease.key);
    expect(settled).toMatchObject({ status: "COMPLETED", result: [1, 2], progress: { percentage: 100 }, endedAt: clock.now() });
    expect(settled.error).toBeUndefined();
  });

  test("P7 the record of a failure shows its error", async ({ engine }) => {
    const { lease } = await running(engine, "r1");
    await engine.requests.settle(lease, { status: "FAILED", events: [failed("no such column")], runMs: 3 });
    const settled = await record(engine, lease.key);
    expect(settled).toMatchObject({ status: "FAILED", error: { code: "PROCESSING_FAILED", message: "no such column" } });
    expect(settled.result).toBeUndefined();
  });
}

const failedOnce = (now: number) =>
  ({ type: "retrying", attempt: 2, retry_at: now, error: { code: "PROCESSING_FAILED", message: "once" } }) as const;
