/** A run that has lost its lease changes nothing that is another's by now, whichever way it ends (P3). */
import { expect } from "vitest";
import { defineHandler, type AnyHandler, type HandlerContext } from "@streamer/core";
import type { ContractTest, Harness } from "../harness.ts";
import { LEASE_MS, record, RECOVERY, submission, terms } from "../samples.ts";
import { anything, startPipeline, type FlowClient } from "./pipeline.ts";

const handler = (run: (input: unknown, ctx: HandlerContext) => unknown): AnyHandler =>
  defineHandler({ action: "work", input: anything, estimate: 60_000, retry: { maxAttempts: 2, baseMs: 100, capMs: 100 }, run });
/** A process that the store cannot be heard by while it is cut off. */
const start = (harness: Harness, run: AnyHandler, isCutOff: () => boolean) =>
  startPipeline({
    harness,
    handlers: [run],
    decide: ({ verb }) => (isCutOff() && verb === "requests.advance" ? "refuse" : "none"),
    options: { inlineSlots: 1 },
  });
const ask = (client: FlowClient, id = "r1"): Promise<void> => client.send({ type: "request", id, action: "work", payload: {} });
const gate = Promise.withResolvers.bind(Promise)<void>;

export function lostLeaseContract(test: ContractTest): void {
  for (const [how, estimate] of Object.entries({ "that was queued": 60_000, "that was promoted": 1 })) {
    test(`P3 a run ${how} and says nothing renews its lease at a third of its time, and again at each`, async (harness) => {
      const silent = defineHandler({ action: "work", input: anything, estimate, run: () => new Promise(() => {}) });
      const { connect, until, engine } = await startPipeline({ harness, handlers: [silent] });
      const client = await connect();
      void ask(client);
      await until("it is durable", () => client.last("acknowledgment") !== undefined);
      const leasedAt = harness.clock.monotonic();
      for (const renewals of [1, 2, 3]) {
        await until("renewed", () => engine.calls.filter(({ verb }) => verb === "requests.advance").length === renewals);
        // The ticker looks four times a second, and this test each 50 ms.
        expect(harness.clock.monotonic() - leasedAt).toBeLessThanOrEqual(renewals * (LEASE_MS / 3 + 300));
      }
    });
  }

  test("P3 a run whose lease another process took is stopped, its words are refused, and it settles nothing", async (harness) => {
    const taken = gate();
    const told: unknown[] = [];
    const work = handler(async (_, ctx) => {
      await taken.promise;
      await ctx.partial("rows", 1).catch((error: unknown) => told.push((error as { reason?: unknown }).reason));
      told.push((ctx.signal.reason as { reason?: unknown }).reason);
      return "too late";
    });
    let isCutOff = true;
    const { connect, quiet, streamer } = await start(harness, work, () => isCutOff);
    const client = await connect();
    await ask(client);
    await quiet();
    await takeLease(harness);
    isCutOff = false;
    taken.resolve();
    await harness.clock.advance(10_000);
    await quiet();
    await streamer.settled();
    expect(told).toEqual(["lease_lost", "lease_lost"]);
    expect(await record(harness.engine, submission("r1").key)).toMatchObject({ status: "PROCESSING", attempt: 2 });
    expect(client.last("complete")).toBeUndefined();
  });

  for (const how of ["complete", "retry", "release", "checkpoint"]) {
    test(`P3 a run that has lost its lease unnoticed neither ends, retries nor hands back what is another's: ${how}`, async (harness) => {
      const opened = gate();
      const work = handler(async (_, ctx) => {
        if (how === "checkpoint") void ctx.checkpoint(1).catch(() => {});
        await opened.promise;
        if (how === "release") throw ctx.signal.reason;
        if (how !== "complete") throw new Error("again");
      });
      let isCutOff = true;
      const { connect, quiet, streamer } = await start(harness, work, () => isCutOff);
      const client = await connect();
      await ask(client, how);
      await quiet();
      await takeLease(harness, how);
      isCutOff = false;
      const stopped = how === "release" ? streamer.handBack(60_000, { requireCheckpoint: false }) : undefined;
      opened.resolve();
      await quiet();
      await harness.clock.advance(500);
      await stopped;
      await streamer.settled();
      expect(await record(harness.engine, submission(how).key)).toMatchObject({ status: "PROCESSING", attempt: 2 });
    });
  }
}

/** Another process takes a request whose lease has ended. */
export async function takeLease({ engine, clock }: Harness, id = "r1"): Promise<void> {
  const { key } = submission(id);
  await clock.advance(LEASE_MS);
  await engine.requests.recover(RECOVERY);
  const claims = await engine.requests.claim(terms(1, { key }));
  expect(claims).toMatchObject([{ lease: { key, attempt: 2 } }]);
}
