import { createManualClock } from "@streamer/contract/clock";
import { expect, it } from "vitest";
import { wireError } from "@streamer/protocol";
import { StreamerError } from "../../errors.ts";
import type { Frame } from "../../ports/events.ts";
import type { AdvanceOutcome, Claim, EventBody, RequestKey, Settlement, Written } from "../../ports/requests.ts";
import type { Decision } from "../../rules/outcome.ts";
import { createFaults } from "../faults.ts";
import type { Unwritten } from "../report/reporter.ts";
import type { Run } from "./run.ts";
import { createSettle, type SettleParts } from "./settle.ts";

const KEY = "t/u/r" as RequestKey;
const lease = { key: KEY, attempt: 2 };
const claim = { lease, requestId: "r", queueMs: 12.4 } as Claim;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const error = wireError("PROCESSING_FAILED", "no");
const partial: EventBody = { type: "partial", stream: "rows", index: 0, data: 1 };
const refused = new StreamerError("STORAGE_ERROR", "the disk is full");

interface Terms {
  readonly unwritten?: Partial<Unwritten>;
  readonly stopped?: Run["stopped"];
  /** What the store answers to its nth write; by default that it is written. */
  readonly answer?: (write: number) => "written" | "lost" | Error;
  readonly givesUpAt?: number;
  readonly wakeup?: () => Promise<void>;
}

/** A run that has ended, over a store that notes what it is asked to write. */
function setUp({ unwritten, stopped, answer = () => "written", givesUpAt = Infinity, wakeup = async () => {} }: Terms = {}) {
  const clock = createManualClock();
  const writes: [string, unknown][] = [];
  const told: [string, readonly Frame[]][] = [];
  const wakeups: number[] = [];
  const write = async (verb: string, change: unknown): Promise<Written> => {
    writes.push([verb, change]);
    const said = answer(writes.length);
    if (said instanceof Error) throw said;
    return said === "lost" ? { outcome: "lost" } : { outcome: "written", frames: [{ seq: writes.length, kind: "durable", text: verb }] };
  };
  const settle = createSettle({
    faults: createFaults({ log: silent, clock, random: () => 0.5 }),
    engine: {
      clock,
      log: silent,
      wakeups: {
        at: async (at: number) => {
          wakeups.push(at);
          await wakeup();
        },
      },
      requests: {
        settle: (_: unknown, settlement: Settlement) => write("settle", settlement),
        release: (_: unknown, terms: unknown) => write("release", terms),
        reschedule: (_: unknown, terms: unknown) => write("reschedule", terms),
        advance: async (_: unknown, change: unknown): Promise<AdvanceOutcome> => {
          const written = await write("advance", change);
          return written.outcome === "lost" ? written : { outcome: "advanced", frames: written.frames, cancelRequested: false };
        },
      },
    } as unknown as SettleParts["engine"],
    options: { leaseMs: 30_000 },
    deliver: {
      publish: async (_, frames) => void told.push(["publish", frames]),
      publishLast: async (_, frames) => void told.push(["publishLast", frames]),
    },
    givesUpAt: () => clock.monotonic() + givesUpAt,
  });
  const completes: boolean[] = [];
  const run = {
    stopped,
    terms: { request: { id: "r" } },
    reporter: {
      close: async (isComplete: boolean): Promise<Unwritten> => {
        completes.push(isComplete);
        return { events: [], checkpoint: undefined, ...unwritten };
      },
    },
  } as unknown as Run;
  const end = (decision: Decision): Promise<void> => settle(run, claim, decision, 34.6);
  return { end, clock, writes, told, wakeups, completes, verbs: () => writes.map(([verb]) => verb) };
}

const COMPLETE: Decision = { kind: "complete", result: { rows: 3 } };
const complete = { type: "complete", result: { rows: 3 }, metadata: { attempts: 2, queue_ms: 12, run_ms: 35 } };
const TOO_LATE = { type: "cancellation", stage: "too_late" };

it("P2 P5 ends in one write, behind what the run had still to say, and everybody is told", async () => {
  const { end, writes, told, completes, wakeups } = setUp({ unwritten: { events: [partial] } });
  await end(COMPLETE);
  expect(writes).toEqual([["settle", { status: "COMPLETED", runMs: 34.6, events: [partial, complete], tooLate: TOO_LATE }]]);
  expect(told).toEqual([["publishLast", [{ seq: 1, kind: "durable", text: "settle" }]]]);
  expect(completes).toEqual([true]);
  expect(wakeups).toEqual([]);
});

it("P8 says of a run that ended by itself that the wish came too late, and of one that followed it that it stopped", async () => {
  const late = setUp({ stopped: "cancelled" });
  await late.end({ kind: "complete", result: undefined });
  const { result: _, ...withoutResult } = complete;
  expect(late.writes).toEqual([["settle", { status: "COMPLETED", runMs: 34.6, events: [TOO_LATE, withoutResult] }]]);
  const followed = setUp({ stopped: "cancelled" });
  await followed.end({ kind: "cancel" });
  expect(followed.writes).toEqual([
    [
      "settle",
      {
        status: "CANCELLED",
        runMs: 34.6,
        events: [
          { type: "cancellation", stage: "stopped" },
          { type: "error", error: expect.objectContaining({ code: "CANCELLED" }) },
        ],
      },
    ],
  ]);
  const unasked = setUp();
  await unasked.end({ kind: "cancel" });
  expect(unasked.writes[0]![1]).not.toHaveProperty("tooLate");
  const failed = setUp();
  await failed.end({ kind: "fail", error });
  expect(failed.writes).toEqual([["settle", { status: "FAILED", runMs: 34.6, events: [{ type: "error", error }], tooLate: TOO_LATE }]]);
  expect(failed.completes).toEqual([false]);
  const overtaken = setUp({ stopped: "cancelled" });
  await overtaken.end({ kind: "fail", error });
  expect(overtaken.writes).toEqual([["settle", { status: "FAILED", runMs: 34.6, events: [TOO_LATE, { type: "error", error }] }]]);
});

it("P9 is tried again at its time, with what it had to say, and the engine is told when", async () => {
  const { end, clock, writes, told, wakeups } = setUp({ unwritten: { events: [partial] } });
  await end({ kind: "retry", afterMs: 1_500.5, error });
  const runAt = clock.now() + 1_501;
  const retrying = { type: "retrying", attempt: 2, retry_at: runAt, error };
  expect(writes).toEqual([["reschedule", { runAt, events: [partial, retrying] }]]);
  expect(told.map(([how]) => how)).toEqual(["publish"]);
  expect(wakeups).toEqual([clock.now() + 1_500.5]);
});

it("P9 a run that waits is had again then, from its checkpoint, and nothing says that it failed", async () => {
  const plain = setUp({ unwritten: { events: [partial] } });
  await plain.end({ kind: "wait", afterMs: 5_000 });
  expect(plain.writes).toEqual([["reschedule", { runAt: expect.any(Number), events: [partial], failures: 0 }]]);
  expect(plain.wakeups).toHaveLength(1);
  const { end, writes } = setUp({ unwritten: { events: [partial], checkpoint: { state: 3 } } });
  await end({ kind: "wait", afterMs: 5_000 });
  expect(writes).toEqual([
    ["advance", { events: [partial], leaseMs: 30_000, checkpoint: 3 }],
    ["reschedule", { runAt: expect.any(Number), events: [], failures: 0 }],
  ]);
});

it("P9 keeps its checkpoint before it is tried again", async () => {
  const { end, writes } = setUp({ unwritten: { events: [partial], checkpoint: { state: 3 } } });
  await end({ kind: "retry", afterMs: 0, error });
  expect(writes).toEqual([
    ["advance", { events: [partial], leaseMs: 30_000, checkpoint: 3 }],
    ["reschedule", { runAt: expect.any(Number), events: [expect.objectContaining({ type: "retrying" })] }],
  ]);
});

it("P9 a wakeup that cannot be set takes nothing back", async () => {
  const { end, verbs } = setUp({ wakeup: () => Promise.reject(refused) });
  await end({ kind: "retry", afterMs: 0, error });
  expect(verbs()).toEqual(["reschedule"]);
});

it("P13 is given back behind what it had still to say, and at once where that is nothing", async () => {
  const silentRun = setUp();
  await silentRun.end({ kind: "release", crashed: true });
  expect(silentRun.writes).toEqual([["release", { crashed: true }]]);
  expect(silentRun.told).toEqual([
    ["publish", []],
    ["publish", [{ seq: 1, kind: "durable", text: "release" }]],
  ]);
  for (const unwritten of [{ events: [partial] }, { checkpoint: { state: 3 } }]) {
    const { end, verbs, told } = setUp({ unwritten });
    await end({ kind: "release", crashed: false });
    expect(verbs()).toEqual(["advance", "release"]);
    expect(told.map(([, frames]) => frames[0]?.text)).toEqual(["advance", "release"]);
  }
});

it("P3 writes and tells nothing more once its lease is lost", async () => {
  const { end, verbs, told } = setUp({ unwritten: { events: [partial] }, answer: () => "lost" });
  await end({ kind: "release", crashed: false });
  expect(verbs()).toEqual(["advance"]);
  expect(told).toEqual([]);
  const ended = setUp({ answer: () => "lost" });
  await ended.end(COMPLETE);
  expect([ended.verbs(), ended.told]).toEqual([["settle"], []]);
  const rescheduled = setUp({ answer: () => "lost" });
  await rescheduled.end({ kind: "retry", afterMs: 5, error });
  expect([rescheduled.told, rescheduled.wakeups]).toEqual([[], []]);
  const dropped = setUp({ unwritten: { events: [partial] } });
  await dropped.end({ kind: "drop" });
  expect([dropped.verbs(), dropped.told]).toEqual([[], []]);
});

it("P2 is tried until it stands while the store refuses for a passing reason", async () => {
  const { end, clock, verbs, told } = setUp({ answer: (write) => (write < 4 ? refused : "written") });
  let isOver = false;
  const ending = end(COMPLETE).then(() => (isOver = true));
  await clock.advance(0);
  expect([verbs().length, isOver]).toEqual([1, false]);
  await clock.advance(60_000);
  expect(verbs()).toHaveLength(4);
  await ending;
  expect(told.map(([how]) => how)).toEqual(["publishLast"]);
});

it("P13 is given up on when the process ends before the store is well again", async () => {
  const { end, verbs, told } = setUp({ answer: () => refused, givesUpAt: 0 });
  await end(COMPLETE);
  expect([verbs(), told]).toEqual([["settle"], []]);
});

it("P2 what can never be stored is replaced by an error that says so", async () => {
  const { end, writes, told } = setUp({ answer: (write) => (write === 1 ? new TypeError("too long") : "written") });
  await end(COMPLETE);
  expect(writes[1]).toEqual([
    "settle",
    {
      status: "FAILED",
      runMs: 34.6,
      events: [
        { type: "error", error: expect.objectContaining({ code: "INTERNAL_ERROR", message: expect.stringContaining("its log says why") }) },
      ],
      tooLate: TOO_LATE,
    },
  ]);
  expect(told.map(([how]) => how)).toEqual(["publishLast"]);
});
