import { createManualClock } from "@streamer/contract/clock";
import { expect, it } from "vitest";
import { defineHandler } from "../../handler.ts";
import type { Claim, RequestKey } from "../../ports/requests.ts";
import type { Phase } from "./life.ts";
import { createRegistry, type RegistryParts } from "./registry.ts";
import type { RunOwner, RunTerms } from "./run.ts";

const KEY = "t/u/r" as RequestKey;
/** When every clock here begins. */
const SINCE = createManualClock().monotonic();
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const input = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as const;

it("P2 a run that cannot be looked after holds up no other, and is looked after again", async () => {
  const clock = createManualClock();
  const errors: unknown[] = [];
  const promoted: string[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (fields: object) => void errors.push(fields) };
  const registry = createRegistry({
    engine: { clock, log } as unknown as RegistryParts["engine"],
    middleware: [],
    checkRoom: async () => {},
    options: { cancelGraceMs: 1_000, renewMs: 10_000, runLifeMs: Infinity, inlineSlots: 8 },
    slots: { free: () => {} },
    answered: () => {},
    conclude: () => Promise.resolve(),
    promote: (run) => {
      promoted.push(run.terms.request.id);
      if (run.terms.request.id === "odd" && promoted.length < 4) throw new Error("a run that is ended cannot promote");
      return Promise.resolve();
    },
  });
  const handler = defineHandler({ action: "work", input, run: () => new Promise(() => {}) });
  const live = (id: string): void => {
    const phase = { name: "answering", overrunAt: clock.monotonic() } as const;
    const terms = { key: id as RequestKey, handler, input: { value: 1 }, request: { id }, timeoutMs: 60_000, phase };
    void registry.live(terms as unknown as RunTerms, {} as RunOwner);
  };
  live("odd");
  live("even");
  await clock.advance(750);
  expect(promoted).toEqual(["odd", "even", "odd", "even", "odd", "even"]);
  expect(errors).toEqual([
    { request_id: "odd", err: expect.any(Error) },
    { request_id: "odd", err: expect.any(Error) },
  ]);
});

/** One run of a handler that ends when the test says, in a registry of its own. */
function liveOne(phase: Phase, inlineSlots = 8) {
  const clock = createManualClock();
  const counts = { freed: 0, promoted: 0, renewed: 0 };
  const endings: string[] = [];
  const concluded = Promise.withResolvers<void>();
  const registry = createRegistry({
    engine: { clock, log: silent } as unknown as RegistryParts["engine"],
    middleware: [],
    checkRoom: async () => {},
    options: { cancelGraceMs: 1_000, renewMs: 10_000, runLifeMs: Infinity, inlineSlots },
    slots: { free: () => void (counts.freed += 1) },
    answered: () => {},
    conclude: async (_, ending) => {
      endings.push(ending.kind);
      await concluded.promise;
    },
    promote: async () => void (counts.promoted += 1),
  });
  const advance = async (): Promise<unknown> => {
    counts.renewed += 1;
    return { outcome: "advanced", frames: [], cancelRequested: false };
  };
  const reporterPorts = { clock, log: silent, advance, publish: async () => {} };
  const live = (at: Phase) => {
    const ended = Promise.withResolvers<unknown>();
    const handler = defineHandler({ action: "work", input, run: () => ended.promise });
    const terms = { key: KEY, handler, input: { value: 1 }, request: { id: "r" }, begun: {}, timeoutMs: 60_000, phase: at };
    const lived = registry.live(terms as unknown as RunTerms, { reporterPorts, paceOf: () => ({}) } as unknown as RunOwner);
    return { lived, end: ended.resolve };
  };
  const again = (attempt: number) => live({ name: "leased", claim: { lease: { key: KEY, attempt } } as Claim, since: SINCE });
  return { registry, clock, counts, endings, ...live(phase), again, conclude: concluded.resolve };
}

const answering = { name: "answering", overrunAt: Infinity } as const;
const leased = { name: "leased", claim: { lease: { key: KEY, attempt: 2 } } as Claim, since: SINCE } as const;

it("looks after its runs while there are any, and leaves no timer behind", async () => {
  const { registry, clock, lived, end, conclude, counts } = liveOne(answering);
  await clock.advance(1_000);
  expect([registry.running, clock.timers, counts.freed]).toEqual([1, 1, 0]);
  end(1);
  conclude();
  await lived;
  await registry.idle();
  await clock.advance(250);
  expect([registry.running, clock.timers, counts.freed]).toEqual([0, 0, 1]);
});

it("P14 frees the slot of a run that could not be concluded", async () => {
  const freed: string[] = [];
  const registry = createRegistry({
    engine: { clock: createManualClock(), log: silent } as unknown as RegistryParts["engine"],
    middleware: [],
    checkRoom: async () => {},
    options: { cancelGraceMs: 1_000, renewMs: 10_000, runLifeMs: Infinity, inlineSlots: 8 },
    slots: { free: ({ action }) => void freed.push(action) },
    answered: () => {},
    conclude: () => {
      throw new Error("what it left cannot be read");
    },
    promote: async () => {},
  });
  const handler = defineHandler({ action: "work", input, run: () => 1 });
  const terms = { key: KEY, handler, input: { value: 1 }, request: { id: "r" }, begun: {}, timeoutMs: 60_000, phase: leased };
  await registry.live(terms as unknown as RunTerms, {} as RunOwner);
  expect([freed, registry.running]).toEqual([["work"], 0]);
});

it("promotes what overruns from that moment on", async () => {
  const { clock, counts } = liveOne({ name: "answering", overrunAt: createManualClock().monotonic() + 500 });
  await clock.advance(499);
  expect(counts.promoted).toBe(0);
  await clock.advance(1);
  expect(counts.promoted).toBe(1);
});

it.each([
  ["answered at once, as soon as its handler has ended", answering, 1],
  ["durable, when its end stands", leased, 0],
] as const)("P14 frees the slot of a run that is %s", async (_, phase, whileConcluding) => {
  const { clock, counts, endings, lived, end, conclude } = liveOne(phase);
  end(1);
  await clock.advance(0);
  expect([endings, counts.freed]).toEqual([["returned"], whileConcluding]);
  conclude();
  await lived;
  expect(counts.freed).toBe(1);
});

it.each([answering, leased])("gives up on a handler that does not heed its signal, and frees its slot once: $name", async (phase) => {
  const { registry, clock, counts, endings, lived, end, conclude } = liveOne(phase);
  const stopped = registry.stopAll(1_000, "go on", () => "shutting_down");
  await clock.advance(999);
  expect(endings).toEqual([]);
  expect(registry.settlesUntil).toBe(clock.monotonic() + 1);
  await clock.advance(1);
  expect([endings, counts.freed]).toEqual([["abandoned"], 0]);
  conclude();
  await Promise.all([lived, stopped]);
  expect([counts.freed, registry.running, registry.abandoned, registry.settlesUntil]).toEqual([1, 0, 1, Infinity]);
  end(1);
  await clock.advance(0);
  expect([counts.freed, registry.abandoned]).toEqual([1, 0]);
});

it("keeps the slot of a handler that goes on beyond as many as there are inline slots, until it ends", async () => {
  const { registry, clock, counts, lived, end, conclude } = liveOne(answering, 0);
  const stopped = registry.stopAll(1_000, "go on", () => "shutting_down");
  await clock.advance(1_000);
  conclude();
  await Promise.all([lived, stopped]);
  expect([counts.freed, registry.abandoned]).toEqual([0, 1]);
  end(1);
  await clock.advance(0);
  expect([counts.freed, registry.abandoned]).toEqual([1, 0]);
});

it("P3 knows a durable run by its attempt, while it runs", async () => {
  const { registry, lived, end, conclude } = liveOne(leased);
  expect([1, 2, 3].map((attempt) => registry.isAlive({ key: KEY, attempt }))).toEqual([false, true, false]);
  expect(registry.find(KEY)?.terms.key).toBe(KEY);
  end(1);
  conclude();
  await lived;
  expect([registry.isAlive({ key: KEY, attempt: 2 }), registry.find(KEY)]).toEqual([false, undefined]);
});

it("hands back what has saved a checkpoint, or need not have", async () => {
  const { registry } = liveOne(leased);
  const run = registry.find(KEY)!;
  expect([true, false].map((requireCheckpoint) => registry.whyHandedBack(run, requireCheckpoint))).toEqual([
    "out_of_time",
    "shutting_down",
  ]);
});

it("P3 finds the newer of two runs of a request, whichever ends first", async () => {
  const { registry, again, lived, end, conclude } = liveOne(leased);
  const newer = again(3);
  expect(registry.running).toBe(2);
  end(1);
  conclude();
  await lived;
  expect(registry.find(KEY)?.lease?.attempt).toBe(3);
  expect(registry.running).toBe(1);
  newer.end(1);
  await newer.lived;
  expect([registry.find(KEY), registry.running]).toEqual([undefined, 0]);
});

it("P3 renews the lease of a run that says nothing, for as long as it runs", async () => {
  const { clock, counts, lived, end, conclude } = liveOne(leased);
  await clock.advance(9_999);
  expect(counts.renewed).toBe(0);
  await clock.advance(1);
  expect(counts.renewed).toBe(1);
  await clock.advance(10_250);
  expect(counts.renewed).toBe(2);
  end(1);
  conclude();
  await lived;
  await clock.advance(60_000);
  expect(counts.renewed).toBe(2);
});

it("renews nothing of a run that is not durable", async () => {
  const { clock, counts } = liveOne(answering);
  await clock.advance(20_000);
  expect(counts.renewed).toBe(0);
});
