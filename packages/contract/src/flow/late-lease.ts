/** A lease whose answer comes after its time: what another process may have by now does not run here as well (P2, P3). */
import { expect } from "vitest";
import { defineHandler, isStopped, type Engine } from "@streamer/core";
import { turnsOfTheLoop } from "../clock.ts";
import type { ContractTest, Harness } from "../harness.ts";
import { created, LEASE_MS, receipt, record, submission } from "../samples.ts";
import { takeLease } from "./lost-lease.ts";
import { anything, startPipeline, type Pipeline } from "./pipeline.ts";

const { key: KEY } = submission("r1");

interface Late extends Pipeline {
  /** Ids of what ran, and why those were told to stop that were. */
  readonly ran: (readonly [string, string | undefined])[];
  /** Lets the answer come. */
  answer(): void;
}

/** One slot, and a request that is claimed in it; the answer of `verb` waits. */
async function startLate(harness: Harness, verb: "claim" | "submit" | "full", renewals: "reach" | "refuse" = "reach"): Promise<Late> {
  const { requests } = harness.engine;
  const { promise: opened, resolve: answer } = Promise.withResolvers<void>();
  let isLate = false;
  let isCutOff = false;
  const late: Engine["requests"] = {
    ...requests,
    [verb]: async (...values: never[]) => {
      const answered = await (requests[verb] as (...terms: never[]) => Promise<unknown>)(...values);
      if (isLate) await opened;
      return answered;
    },
  };
  const ran: (readonly [string, string | undefined])[] = [];
  const work = defineHandler({
    action: "work",
    input: anything,
    estimate: 60_000,
    run: async (_, { request, signal }) => {
      isCutOff = false;
      await turnsOfTheLoop(1);
      const { reason } = signal as { reason: unknown };
      ran.push([request.id, isStopped(reason) ? reason.reason : undefined]);
      signal.throwIfAborted();
      return "done";
    },
  });
  const pipeline = await startPipeline({
    harness,
    handlers: [work],
    instead: { requests: late },
    options: { inlineSlots: 1, leaseMs: LEASE_MS },
    decide: (call) => (isCutOff && call.verb === "requests.advance" ? "refuse" : "none"),
  });
  isLate = true;
  isCutOff = renewals === "refuse";
  if (verb === "submit") void (await pipeline.connect()).send({ type: "request", id: "r1", action: "work", payload: {} });
  else {
    await created(harness.engine, "r1");
    void pipeline.streamer.work();
  }
  // Never quiet meanwhile: an answer is on its way.
  while (!(await isClaimed(harness))) await turnsOfTheLoop();
  return { ...pipeline, ran, answer };
}

async function isClaimed({ engine }: Harness): Promise<boolean> {
  const lookup = await engine.requests.get(KEY);
  return lookup.outcome === "found" && lookup.record.status === "PROCESSING";
}

export function lateLeaseContract(test: ContractTest): void {
  for (const verb of ["claim", "submit", "full"] as const) {
    test(`P2 P3 what another process took before ${verb} was answered does not run here, and leaves its slot`, async (harness) => {
      const { ran, answer, streamer, quiet, until } = await startLate(harness, verb);
      await takeLease(harness);
      answer();
      await quiet();
      await streamer.settled();
      expect(ran).toEqual([]);
      expect(await record(harness.engine, KEY)).toMatchObject({ status: "PROCESSING", attempt: 2 });
      await created(harness.engine, "r2");
      void streamer.work();
      await until("the next has run", () => ran.length > 0);
      expect(ran).toEqual([["r2", undefined]]);
    });
  }

  test("P2 what nobody took before its claim was answered is renewed, and runs once", async (harness) => {
    const { ran, answer, engine, streamer, until } = await startLate(harness, "claim");
    await harness.clock.advance(LEASE_MS);
    answer();
    await until("it has ended", async () => (await record(harness.engine, KEY)).status === "COMPLETED");
    await streamer.settled();
    expect(ran).toEqual([["r1", undefined]]);
    expect(engine.calls.filter(({ verb }) => verb === "requests.advance")).toHaveLength(1);
  });

  test("P8 what was cancelled before its claim was answered is told so when it begins", async (harness) => {
    const { ran, answer, until } = await startLate(harness, "claim");
    await harness.clock.advance(LEASE_MS);
    const whenRunning = [receipt("requested")];
    expect(await harness.engine.requests.requestCancel(KEY, { whenWaiting: [], whenRunning })).toMatchObject({ outcome: "requested" });
    answer();
    await until("it has ended", async () => (await record(harness.engine, KEY)).status === "CANCELLED");
    expect(ran).toEqual([["r1", "cancelled"]]);
  });

  test("P2 what cannot be renewed before it begins runs all the same", async (harness) => {
    const { ran, answer, until } = await startLate(harness, "claim", "refuse");
    await harness.clock.advance(LEASE_MS);
    answer();
    await until("it has ended", async () => (await record(harness.engine, KEY)).status === "COMPLETED");
    expect(ran).toEqual([["r1", undefined]]);
  });
}
