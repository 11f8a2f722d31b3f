import { createManualClock, turnsOfTheLoop } from "@streamer/contract/clock";
import { describe, expect, it } from "vitest";
import { isStopped } from "../errors.ts";
import type { Advance, AdvanceOutcome, EventBody, Lease, RequestKey } from "../ports/requests.ts";
import { DEFAULT_BATCHING } from "../rules/batching.ts";
import { createReporter } from "./report.ts";

const lease: Lease = { key: "t/u/r" as RequestKey, attempt: 1 };
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A reporter over a store that answers when the test lets it. */
function setUp(outcome: AdvanceOutcome = { outcome: "advanced", frames: [], cancelRequested: false }) {
  const clock = createManualClock();
  const writes: Advance[] = [];
  const calls: string[] = [];
  const reporter = createReporter({
    clock,
    log: silent,
    batching: DEFAULT_BATCHING,
    leaseMs: 30_000,
    maxBytes: 1_000,
    recorded: () => undefined,
    advance: async (_, change) => {
      writes.push(change);
      await new Promise((resolve) => setImmediate(resolve));
      return outcome;
    },
    publish: () => Promise.resolve(),
    acquireLease: () => {
      calls.push("acquireLease");
      reporter.attach(lease);
      return Promise.resolve(lease);
    },
    onLost: () => calls.push("lost"),
    onCancelRequested: () => calls.push("cancelRequested"),
  });
  const progress = (): EventBody[] => writes.flatMap(({ events }) => events).filter(({ type }) => type === "progress");
  return { clock, writes, calls, reporter, progress };
}

describe("P5 progress of a chatty handler", () => {
  it.each([
    { everyMs: 10, most: 0.2 },
    { everyMs: 2, most: 0.1 },
  ])("at an update every $everyMs ms at most $most of the messages are left, and the one that says 100", async ({ everyMs, most }) => {
    const { clock, reporter, progress } = setUp();
    reporter.attach(lease);
    for (let done = 1; done <= 200; done += 1) {
      reporter.report(done * 0.45, `${done} of 200`, { done });
      await clock.advance(everyMs);
    }
    const messages = [...progress(), ...(await reporter.close(true))] as Extract<EventBody, { type: "progress" }>[];
    expect(messages.length).toBeLessThanOrEqual(200 * most + 1);
    expect(messages.at(-1)).toMatchObject({ percentage: 100, message: "200 of 200", metadata: { done: 200 } });
    const percentages = messages.map(({ percentage }) => percentage);
    expect(percentages).toEqual(percentages.toSorted((a, b) => a - b));
  });

  it("a handler that checkpoints with every update sends no more progress for it", async () => {
    const { clock, writes, reporter, progress } = setUp();
    reporter.attach(lease);
    for (let done = 1; done <= 100; done += 1) {
      reporter.report(done * 0.9, undefined, { done });
      await reporter.checkpoint({ done });
      await clock.advance(10);
    }
    expect(writes.length).toBeGreaterThanOrEqual(100);
    expect(progress().length).toBeLessThanOrEqual(20);
  });

  it("carries every update of a batch, oldest first", async () => {
    const { clock, reporter, progress } = setUp();
    reporter.attach(lease);
    for (let done = 1; done <= 20; done += 1) {
      reporter.report(done, undefined, { done });
      await clock.advance(10);
    }
    const carried = (progress() as Extract<EventBody, { type: "progress" }>[]).flatMap(
      ({ updates }) => updates?.map(({ metadata }) => metadata?.["done"]) ?? [],
    );
    expect(carried).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it("a burst of 50 becomes a handful of messages, newest last", async () => {
    const { clock, reporter, progress } = setUp();
    reporter.attach(lease);
    for (let done = 1; done <= 50; done += 1) reporter.report(done * 2, undefined, { done });
    await clock.advance(1_000);
    const messages = [...progress(), ...(await reporter.close(true))];
    expect(messages.length).toBeLessThanOrEqual(10);
    expect(messages.at(-1)).toMatchObject({ percentage: 100, metadata: { done: 50 } });
  });

  it("a new stage and the crossing of 90 % leave at once", async () => {
    const { reporter, progress } = setUp();
    reporter.attach(lease);
    reporter.report(1, "reading", { stage: "query" });
    await turnsOfTheLoop();
    expect(progress()).toMatchObject([{ stage: "query", percentage: 1 }]);
    reporter.report(91, "storing");
    await turnsOfTheLoop();
    expect(progress()).toMatchObject([{ percentage: 1 }, { percentage: 91, stage: "query" }]);
  });

  it("sends progress without metadata that is too large or no JSON, and says so in the log only", async () => {
    const { clock, reporter, progress } = setUp();
    reporter.attach(lease);
    reporter.report(5, "fine", { big: "x".repeat(20_000) });
    await clock.advance(300);
    expect(progress()).toMatchObject([{ percentage: 5, message: "fine" }]);
    expect(progress()[0]).not.toHaveProperty("metadata");
  });
});

describe("P3 a run's writes under its lease", () => {
  it("learns that the lease is lost and rejects what waited for the write", async () => {
    const { reporter, calls } = setUp({ outcome: "lost" });
    reporter.attach(lease);
    await expect(reporter.checkpoint({ page: 2 })).rejects.toSatisfy(isStopped);
    expect(calls).toEqual(["lost"]);
  });

  it("hears of a cancellation with any write", async () => {
    const { reporter, calls } = setUp({ outcome: "advanced", frames: [], cancelRequested: true });
    reporter.attach(lease);
    await reporter.partial("rows", [1]);
    expect(calls).toEqual(["cancelRequested"]);
  });

  it("joins what is said during a write into the next one, in order, with indexes per stream", async () => {
    const { writes, reporter } = setUp();
    reporter.attach(lease);
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
    reporter.attach(lease);
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
    reporter.attach(lease);
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
});
