import { createManualClock } from "@streamer/contract/clock";
import { expect, it } from "vitest";
import { defineHandler } from "../../handler.ts";
import type { RequestKey } from "../../ports/requests.ts";
import { createRegistry, type RegistryParts } from "./registry.ts";
import type { RunOwner, RunTerms } from "./run.ts";

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
    options: { cancelGraceMs: 1_000, renewMs: 10_000, runLifeMs: Infinity, inlineSlots: 8 },
    slots: { free: () => {} },
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

it("looks after its runs while there are any, and leaves no timer behind", async () => {
  const clock = createManualClock();
  let timers = 0;
  const counting: typeof clock = {
    ...clock,
    after(ms, callback) {
      timers += 1;
      const callOff = clock.after(ms, () => {
        timers -= 1;
        callback();
      });
      return () => {
        timers -= 1;
        callOff();
      };
    },
  };
  const freed: string[] = [];
  const registry = createRegistry({
    engine: { clock: counting, log: silent } as unknown as RegistryParts["engine"],
    middleware: [],
    options: { cancelGraceMs: 1_000, renewMs: 10_000, runLifeMs: Infinity, inlineSlots: 8 },
    slots: { free: ({ action }) => void freed.push(action) },
    conclude: () => Promise.resolve(),
    promote: () => Promise.resolve(),
  });
  const ended = Promise.withResolvers<number>();
  const handler = defineHandler({ action: "work", input, run: () => ended.promise });
  const phase = { name: "answering", overrunAt: Infinity } as const;
  const terms = { key: "t/u/r" as RequestKey, handler, input: { value: 1 }, request: { id: "r" }, timeoutMs: 60_000, phase };
  const lived = registry.live(terms as unknown as RunTerms, {} as RunOwner);
  await clock.advance(1_000);
  expect([registry.running, timers, freed]).toEqual([1, 1, []]);
  ended.resolve(1);
  await lived;
  await registry.idle();
  await clock.advance(250);
  expect([registry.running, timers, freed]).toEqual([0, 0, ["work"]]);
});
