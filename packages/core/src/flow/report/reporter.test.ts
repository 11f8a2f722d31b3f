import { createManualClock, turnsOfTheLoop } from "@streamer/contract/clock";
import { describe, expect, it } from "vitest";
import { isStopped, StreamerError } from "../../errors.ts";
import type { Advance, AdvanceOutcome, EventBody, Lease, RequestKey } from "../../ports/requests.ts";
import { DEFAULT_BATCHING } from "../../rules/batching.ts";
import { Reporter, REPORTING } from "./reporter.ts";

const lease: Lease = { key: "t/u/r" as RequestKey, attempt: 1 };
/** When every clock here begins. */
const SINCE = createManualClock().monotonic();
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A reporter over a store that answers when the test lets it. */
const ADVANCED: AdvanceOutcome = { outcome: "advanced", frames: [], cancelRequested: false };
function setUp(outcome: AdvanceOutcome = ADVANCED, answer: (write: number) => AdvanceOutcome = () => outcome) {
  const clock = createManualClock();
  const writes: Advance[] = [];
  const calls: string[] = [];
  const reporter: Reporter = new Reporter(
    {
      clock,
      log: silent,
      leaseMs: 30_000,
      valueLength: 1_000,
      advance: async (_, change) => {
        writes.push(change);
        await new Promise((resolve) => setImmediate(resolve));
        return answer(writes.length);
      },
      publish: () => Promise.resolve(),
    },
    {
      batching: DEFAULT_BATCHING,
      startedAt: clock.monotonic(),
      isResumed: false,
      percentages: "work",
      course: undefined,
      lateBy: undefined,
      recorded: () => undefined,
      acquireLease: () => {
        calls.push("acquireLease");
        reporter.lease(lease, SINCE);
        return Promise.resolve();
      },
      onLost: () => calls.push("lost"),
      onCancelRequested: () => calls.push("cancelRequested"),
    },
  );
  const progress = (): EventBody[] => writes.flatMap(({ events }) => events).filter(({ type }) => type === "progress");
  return { clock, writes, calls, reporter, progress };
}

describe("P5 progress of a chatty handler", () => {
  it.each([
    { everyMs: 10, most: 0.2 },
    { everyMs: 2, most: 0.1 },
  ])("at an update every $everyMs ms at most $most of the messages are left, and the one that says 100", async ({ everyMs, most }) => {
    const { clock, reporter, progress } = setUp();
    reporter.lease(lease, SINCE);
    for (let done = 1; done <= 200; done += 1) {
      reporter.report(done * 0.45, `${done} of 200`, { done });
      await clock.advance(everyMs);
    }
    const messages = [...progress(), ...(await reporter.close(true)).events] as Extract<EventBody, { type: "progress" }>[];
    expect(messages.length).toBeLessThanOrEqual(200 * most + 1);
    expect(messages.at(-1)).toMatchObject({ percentage: 100, message: "200 of 200", metadata: { done: 200 } });
    const percentages = messages.map(({ percentage }) => percentage);
    expect(percentages).toEqual(percentages.toSorted((a, b) => a - b));
  });

  it("a handler that checkpoints with every update sends no more progress for it", async () => {
    const { clock, writes, reporter, progress } = setUp();
    reporter.lease(lease, SINCE);
    for (let done = 1; done <= 100; done += 1) {
      reporter.report(done * 0.9, undefined, { done });
      await reporter.checkpoint({ done });
      await clock.advance(10);
    }
    expect(writes.length).toBeGreaterThanOrEqual(100);
    expect(progress().length).toBeLessThanOrEqual(20);
  });

  it("is sent when the first of two reasons for it comes", async () => {
    const { clock, reporter, progress } = setUp();
    reporter.lease(lease, SINCE);
    reporter.report(1, undefined, { stage: "begun" });
    await clock.advance(0);
    expect(progress()).toHaveLength(1);
    await clock.advance(10);
    reporter.report(2);
    await clock.advance(1);
    for (let n = 1; n < DEFAULT_BATCHING.maxUpdates; n += 1) reporter.report(3);
    expect(clock.timers).toBe(1);
    await clock.advance(DEFAULT_BATCHING.minIntervalMs - 12);
    expect(progress()).toHaveLength(1);
    await clock.advance(1);
    expect(progress()).toHaveLength(2);
  });

  it.each([0, 10, 30])("tells every update, oldest first: 50 of them %i ms apart", async (apartMs) => {
    const { clock, reporter, progress } = setUp();
    reporter.lease(lease, SINCE);
    for (let done = 1; done <= 50; done += 1) {
      reporter.report(done * 2, undefined, { done });
      if (apartMs > 0) await clock.advance(apartMs);
    }
    const messages = [...progress(), ...(await reporter.close(true)).events] as Extract<EventBody, { type: "progress" }>[];
    const told = messages.flatMap(({ updates, metadata }) => (updates ?? [{ metadata }]).map(({ metadata: said }) => said?.["done"]));
    expect(told).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    expect(messages.length).toBeLessThanOrEqual(10);
    expect(messages.at(-1)).toMatchObject({ percentage: 100, metadata: { done: 50 } });
  });

  it("the first update leaves at once, with what is said in the same turn, and a new stage does", async () => {
    const { clock, reporter, progress } = setUp();
    reporter.lease(lease, SINCE);
    reporter.report(1, "reading", { stage: "query" });
    reporter.report(2);
    await clock.advance(0);
    expect(progress()).toMatchObject([{ stage: "query", percentage: 2, updates: [{ percentage: 1 }, { percentage: 2 }] }]);
    reporter.report(3, "storing", { stage: "store" });
    await clock.advance(0);
    expect(progress()).toMatchObject([{ percentage: 2 }, { percentage: 3, stage: "store" }]);
  });

  it("goes with the end of a run that ends in the same turn", async () => {
    const { clock, writes, reporter } = setUp();
    reporter.lease(lease, SINCE);
    reporter.report(100);
    await turnsOfTheLoop();
    expect(await reporter.close(true)).toMatchObject({ events: [{ percentage: 100 }] });
    await clock.advance(1_000);
    expect(writes).toEqual([]);
  });

  it("sends progress without metadata that is too large or no JSON, and says so in the log only", async () => {
    const { clock, reporter, progress } = setUp();
    reporter.lease(lease, SINCE);
    reporter.report(5, "fine", { big: "x".repeat(20_000) });
    await clock.advance(300);
    expect(progress()).toMatchObject([{ percentage: 5, message: "fine" }]);
    expect(progress()[0]).not.toHaveProperty("metadata");
  });
});

describe("P3 a run's writes under its lease", () => {
  it("learns that the lease is lost and rejects what waited for the write", async () => {
    const { reporter, calls } = setUp({ outcome: "lost" });
    reporter.lease(lease, SINCE);
    await expect(reporter.checkpoint({ page: 2 })).rejects.toSatisfy(isStopped);
    expect(calls).toEqual(["lost"]);
  });

  it("hears of a cancellation with any write", async () => {
    const { reporter, calls } = setUp({ outcome: "advanced", frames: [], cancelRequested: true });
    reporter.lease(lease, SINCE);
    await reporter.partial("rows", [1]);
    expect(calls).toEqual(["cancelRequested"]);
  });

  it("joins what is said during a write into the next one, in order, with indexes per stream", async () => {
    const { writes, reporter } = setUp();
    reporter.lease(lease, SINCE);
    await Promise.all([reporter.partial("a", 1), reporter.partial("a", 2), reporter.partial("b", 3), reporter.checkpoint({ at: 3 })]);
    expect(writes.map(({ events }) => events.length)).toEqual([1, 2]);
    expect(writes[1]).toMatchObject({
      events: [
        { stream: "a", index: 1, data: 2 },
        { stream: "b", index: 0 },
      ],
      checkpoint: { at: 3 },
    });
  });

  it("renews only when no write did", async () => {
    const { clock, writes, reporter } = setUp();
    reporter.lease(lease, SINCE);
    await clock.advance(9_000);
    reporter.renew(10_000);
    await turnsOfTheLoop();
    expect(writes).toHaveLength(0);
    await clock.advance(1_000);
    reporter.renew(10_000);
    await turnsOfTheLoop();
    expect(writes).toEqual([{ events: [], leaseMs: 30_000 }]);
  });

  it("refuses data that is no JSON or too large with an error for the author", async () => {
    const { reporter } = setUp();
    reporter.lease(lease, SINCE);
    await expect(reporter.partial("rows", 1n as never)).rejects.toThrow(/not JSON/);
    await expect(reporter.checkpoint("x".repeat(2_000))).rejects.toThrow(/over the limit of 1000.*ctx\.blobs\.put/);
  });

  it("the first durable word of a sync run asks for a lease", async () => {
    const { clock, reporter, calls, progress } = setUp();
    reporter.report(50, "half");
    await clock.advance(1_000);
    expect(progress()).toEqual([]);
    await reporter.partial("rows", 1);
    await clock.advance(1);
    expect(calls).toEqual(["acquireLease"]);
    expect(progress()).toMatchObject([{ percentage: 50 }]);
  });

  it("P5 keeps what the store refused, and writes it again in its order", async () => {
    const refused = new StreamerError("STORAGE_ERROR", "the disk is full");
    const { clock, writes, reporter } = setUp(ADVANCED, (write) => {
      if (write <= 2) throw refused;
      return ADVANCED;
    });
    reporter.lease(lease, SINCE);
    reporter.emit({ type: "cancellation", stage: "observed" });
    const stored = [reporter.partial("rows", 1), reporter.checkpoint({ at: 1 }), reporter.partial("rows", 2)];
    await clock.advance(5_000);
    await Promise.all(stored);
    const kept = writes.slice(2).flatMap(({ events }) => events);
    expect(kept).toMatchObject([{ stage: "observed" }, { index: 0, data: 1 }, { index: 1, data: 2 }]);
    expect(writes.at(-1)).toMatchObject({ checkpoint: { at: 1 } });
  });

  it("leaves no timer behind, whether it waits for a batch or for the store", async () => {
    const waiting = setUp();
    waiting.reporter.lease(lease, SINCE);
    waiting.reporter.report(1);
    await waiting.clock.advance(100);
    waiting.reporter.report(2);
    expect(waiting.clock.timers).toBe(1);
    await waiting.reporter.close(false);
    expect(waiting.clock.timers).toBe(0);
    const refusing = setUp(ADVANCED, () => {
      throw new StreamerError("STORAGE_ERROR", "the disk is full");
    });
    refusing.reporter.lease(lease, SINCE);
    refusing.reporter.partial("rows", 1).catch(() => {});
    await refusing.clock.advance(0);
    expect(refusing.clock.timers).toBe(1);
    await refusing.reporter.close(false);
    expect(refusing.clock.timers).toBe(0);
  });

  it("hands over at its end what the store still refuses, and lets go of who waits for it", async () => {
    const { clock, reporter } = setUp(ADVANCED, () => {
      throw new StreamerError("STORAGE_ERROR", "the disk is full");
    });
    reporter.lease(lease, SINCE);
    const waiting = reporter.partial("rows", 1).catch((error: unknown) => String(error));
    await clock.advance(100);
    expect(await reporter.close(false)).toMatchObject({ events: [{ type: "partial", data: 1 }] });
    expect(await waiting).toMatch(/has ended/);
  });

  it("adds what is set once to every later message", async () => {
    const { clock, reporter, progress } = setUp();
    reporter.lease(lease, SINCE);
    reporter.setMetadata("job", "j1");
    reporter.report(1, undefined, { row: 1 });
    await clock.advance(300);
    reporter.report(2);
    await clock.advance(300);
    expect(progress()).toMatchObject([{ metadata: { job: "j1", row: 1 } }, { metadata: { job: "j1" } }]);
  });

  it("knows a checkpoint once it stands, and not before", async () => {
    const { reporter } = setUp();
    reporter.lease(lease, SINCE);
    await reporter.partial("rows", 1);
    expect(reporter.hasCheckpointed).toBe(false);
    const saved = reporter.checkpoint({ at: 1 });
    expect(reporter.hasCheckpointed).toBe(false);
    await saved;
    expect(reporter.hasCheckpointed).toBe(true);
    await reporter.partial("rows", 2);
    expect(reporter.hasCheckpointed).toBe(true);
  });

  it("leaves out what the store will never take, says so to who waits for it, and goes on", async () => {
    const { writes, reporter, calls } = setUp(ADVANCED, (write) => {
      if (write === 1) throw new TypeError("no such table");
      return ADVANCED;
    });
    reporter.lease(lease, SINCE);
    await expect(reporter.partial("rows", 1)).rejects.toThrow("no such table");
    await reporter.partial("rows", 2);
    expect(writes[1]).toMatchObject({ events: [{ index: 1, data: 2 }] });
    expect(calls).toEqual([]);
  });

  it("says and stores nothing once the lease is lost", async () => {
    const { clock, writes, reporter, calls } = setUp({ outcome: "lost" });
    reporter.lease(lease, SINCE);
    await expect(reporter.partial("rows", 1)).rejects.toMatchObject({ reason: "lease_lost" });
    await expect(reporter.partial("rows", 2)).rejects.toMatchObject({ reason: "lease_lost" });
    reporter.report(50);
    reporter.emit({ type: "cancellation", stage: "observed" });
    await clock.advance(60_000);
    reporter.renew(10_000);
    await turnsOfTheLoop();
    expect(writes).toHaveLength(1);
    expect(calls).toEqual(["lost"]);
    expect(await reporter.close(true)).toEqual({ events: [], checkpoint: undefined });
  });

  it("says and stores nothing once the run has ended", async () => {
    const { clock, writes, reporter } = setUp();
    reporter.lease(lease, SINCE);
    expect(await reporter.close(false)).toEqual({ events: [], checkpoint: undefined });
    reporter.report(50);
    reporter.emit({ type: "cancellation", stage: "observed" });
    await expect(reporter.checkpoint({ at: 1 })).rejects.toThrow("The run has ended: nothing more can be stored for it.");
    await clock.advance(60_000);
    expect(writes).toEqual([]);
  });

  it("has nothing to hand over when it never had a lease", async () => {
    const { reporter } = setUp();
    reporter.report(50);
    expect(await reporter.close(true)).toEqual({ events: [], checkpoint: undefined });
  });

  it("hears of a cancellation with the write that is under way when it ends, and adds nothing to it", async () => {
    const { writes, reporter, calls } = setUp({ outcome: "advanced", frames: [], cancelRequested: true });
    reporter.lease(lease, SINCE);
    const stored = reporter.partial("rows", 1);
    const unwritten = await reporter.close(false);
    await stored;
    expect(calls).toEqual(["cancelRequested"]);
    expect(unwritten).toEqual({ events: [], checkpoint: undefined });
    expect(writes).toHaveLength(1);
  });

  it("leaves to the run's end what was said during a write, and nothing that is said after it", async () => {
    const { writes, reporter } = setUp();
    reporter.lease(lease, SINCE);
    void reporter.partial("rows", 1);
    const second = reporter.partial("rows", 2).catch((error: Error) => error.message);
    reporter.report(10);
    const closing = reporter.close(false);
    reporter.report(20);
    const { events } = await closing;
    expect(events).toEqual([
      { type: "partial", stream: "rows", index: 1, data: 2 },
      expect.objectContaining({ type: "progress", percentage: 10 }),
    ]);
    expect(writes).toHaveLength(1);
    expect(await second).toMatch("what was still to be stored for it is part of its end");
  });
});

it("has the arrows of its drawing, and no other", () => {
  const cells = Object.entries(REPORTING).flatMap(([from, row]) => Object.entries(row).map(([event, to]) => ({ from, event, to })));
  expect(cells).toHaveLength(36);
  expect(cells.flatMap(({ from, event, to }) => (to === "stays" ? [] : [`${from} ${event} ${to}`])).toSorted()).toEqual([
    "backing_off close closed",
    "backing_off write writing",
    "idle close closed",
    "idle write writing",
    "lost close closed",
    "unleased close closed",
    "unleased lease idle",
    "writing close closed",
    "writing lost lost",
    "writing refused backing_off",
    "writing written idle",
  ]);
});
