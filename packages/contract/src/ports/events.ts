/** The event log: every durable event, and the newest progress in its place, in any number of pages (P5, P6). */
import { expect } from "vitest";
import type { Frame } from "@streamer/core";
import type { ContractTest, Harness } from "../harness.ts";
import {
  COMPLETED,
  EVE,
  LEASE_MS,
  RECOVERY,
  claimed,
  created,
  partial,
  progress,
  readFrame,
  record,
  replay,
  retrying,
  running,
  submission,
} from "../samples.ts";

/** A request with two attempts behind it; answers everything it said, as it was said. */
async function story({ engine, clock }: Harness, requestId = "r1"): Promise<readonly Frame[]> {
  const live: Frame[] = [];
  const { key } = submission(requestId);
  live.push(...(await created(engine, requestId)).frames);
  const first = await claimed(engine, key);
  const say = async (written: Promise<{ outcome: string; frames?: readonly Frame[] }>): Promise<void> => {
    live.push(...(await written).frames!);
  };
  await say(engine.requests.advance(first.lease, { events: [progress(10), partial(0), progress(30)], leaseMs: LEASE_MS }));
  await say(engine.requests.advance(first.lease, { events: [partial(1)], leaseMs: LEASE_MS }));
  await say(engine.requests.reschedule(first.lease, { runAt: clock.now(), events: [retrying(1, clock.now())] }));
  const second = await claimed(engine, key);
  await say(engine.requests.advance(second.lease, { events: [progress(5, 2)], leaseMs: LEASE_MS }));
  await say(engine.requests.advance(second.lease, { events: [partial(2), progress(60, 2), partial(3)], leaseMs: LEASE_MS }));
  await say(engine.requests.settle(second.lease, { ...COMPLETED, events: [progress(100, 2), ...COMPLETED.events] }));
  return live;
}

export function eventsContract(test: ContractTest): void {
  test("P5 P6 replay is what was live, word for word, but for progress that a newer one replaced", async (harness) => {
    const live = await story(harness);
    expect(live.map(({ seq }) => seq)).toEqual(live.map((_, at) => at + 1));
    const newest = live.findLast(({ kind }) => kind === "progress")!;
    expect(await replay(harness.engine, submission("r1").key)).toEqual(
      live.filter((frame) => frame.kind === "durable" || frame === newest),
    );
  });

  test("P6 replay after any seq is the rest of the replay from the start, at any page size", async (harness) => {
    const live = await story(harness);
    const { key } = submission("r1");
    const whole = await replay(harness.engine, key);
    for (let after = 0; after <= live.length + 1; after += 1) {
      const rest = whole.filter(({ seq }) => seq > after);
      for (const pageSize of [1, 2, 3, 100]) {
        expect(await replay(harness.engine, key, after, pageSize), `after ${after}, pages of ${pageSize}`).toEqual(rest);
      }
    }
  });

  test("P5 a frame says which request it is about, its seq and its time", async (harness) => {
    for (const frame of await story(harness)) {
      expect(readFrame(frame)).toMatchObject({ request_id: "r1", seq: frame.seq, timestamp: harness.clock.now() });
      expect(frame.kind).toBe(readFrame(frame).type === "progress" ? "progress" : "durable");
    }
  });

  test("P5 the newest progress alone is kept, also when several come in one write", async ({ engine }) => {
    const { lease } = await running(engine, "r1");
    for (const at of [1, 2, 3]) await engine.requests.advance(lease, { events: [progress(at), progress(at + 10)], leaseMs: LEASE_MS });
    const kept = (await replay(engine, lease.key)).map(readFrame).filter(({ type }) => type === "progress");
    expect(kept).toMatchObject([{ percentage: 13, seq: 7 }]);
  });

  test("P5 writes of one request at once are numbered in the order they resolve", async ({ engine }) => {
    const { lease } = await running(engine, "r1");
    const resolved: number[] = [];
    await Promise.all(
      Array.from({ length: 25 }, async (_, index) => {
        const outcome = await engine.requests.advance(lease, { events: [partial(index)], leaseMs: LEASE_MS });
        if (outcome.outcome === "advanced") resolved.push(...outcome.frames.map(({ seq }) => seq));
      }),
    );
    expect(resolved).toEqual(Array.from({ length: 25 }, (_, at) => at + 2));
  });

  test("P5 events written beside those of a run share its numbering", async ({ engine, clock }) => {
    const { lease } = await running(engine, "r1");
    await engine.requests.requestCancel(lease.key, { whenWaiting: [], whenRunning: [{ type: "cancellation", stage: "requested" }] });
    await engine.requests.advance(lease, { events: [partial(0)], leaseMs: LEASE_MS });
    await clock.advance(LEASE_MS + 1);
    await engine.requests.recover(RECOVERY);
    expect((await replay(engine, lease.key)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  });

  test("P10 logs of different requests and owners never mix", async (harness) => {
    await story(harness, "r1");
    await created(harness.engine, "r1", { owner: EVE });
    await created(harness.engine, "r10");
    expect(await replay(harness.engine, submission("r1", { owner: EVE }).key)).toHaveLength(1);
    expect(await replay(harness.engine, submission("r10").key)).toHaveLength(1);
    expect(await replay(harness.engine, submission("nobody").key)).toEqual([]);
  });

  test("P12 text of every kind is kept as it was", async ({ engine }) => {
    const { lease } = await running(engine, "r1");
    const odd = ["\u0000", "\u2028\u2029", "\ud83d\ude00", "</script>", '"\\', "\u00e9".repeat(100_000)];
    await engine.requests.advance(lease, { events: odd.map((data, index) => partial(index, data)), leaseMs: LEASE_MS });
    const read = (await replay(engine, lease.key)).map(readFrame).flatMap((message) => (message.type === "partial" ? [message.data] : []));
    expect(read).toEqual(odd);
  });

  test("P2 P5 P6 a life of many attempts with long words is replayed whole, in pages of any size", async ({ engine, clock }) => {
    const { key } = submission("r1");
    const metadata = Object.fromEntries(Array.from({ length: 32 }, (_, n) => [`k${n}`, "€".repeat(1_024)]));
    const words = "€".repeat(1_000);
    await created(engine, "r1", { metadata, maxAttempts: 100 });
    for (let attempt = 1; attempt <= 40; attempt += 1) {
      const { lease } = await claimed(engine, key);
      await engine.requests.advance(lease, { events: [partial(attempt)], leaseMs: LEASE_MS });
      const error = { code: "PROCESSING_FAILED", message: words } as const;
      const events = [{ type: "retrying", attempt, retry_at: clock.now(), error }] as const;
      expect(await engine.requests.reschedule(lease, { runAt: clock.now(), events })).toMatchObject({ outcome: "written" });
    }
    expect(await record(engine, key)).toMatchObject({ status: "RETRYING", metadata });
    for (const size of [1, 7, 1_000]) {
      expect((await replay(engine, key, 0, size)).map(({ seq }) => seq)).toEqual(Array.from({ length: 81 }, (_, at) => at + 1));
    }
    expect((await replay(engine, key, 33, 4)).map(({ seq }) => seq)).toEqual(Array.from({ length: 48 }, (_, at) => at + 34));
  });
}
