/** What a run needs may not be there yet: then it ends and is had again later, and holds no slot meanwhile. */
import { defineHandler, NotYet, type AnyHandler } from "@streamer/core";
import { expect } from "vitest";
import type { ContractTest, Harness } from "../harness.ts";
import { EVE, record, submission } from "../samples.ts";
import { anything, startPipeline, type PipelineParts } from "./pipeline.ts";

async function start(harness: Harness, more: Partial<PipelineParts> = {}) {
  const there = { rows: false };
  const seen: unknown[] = [];
  const waits: AnyHandler = defineHandler({
    action: "waits",
    input: anything,
    estimate: 60_000,
    retry: { maxAttempts: 2 },
    run: async (_, ctx) => {
      seen.push(ctx.resumed);
      if (there.rows) return { attempt: ctx.request.attempt };
      await ctx.checkpoint({ looked: seen.length });
      throw new NotYet(1_000);
    },
  });
  const work = defineHandler({ action: "work", input: anything, estimate: 60_000, run: () => "done" });
  return { there, seen, ...(await startPipeline({ harness, handlers: [waits, work], options: { inlineSlots: 1 }, ...more })) };
}

export function notYetContract(test: ContractTest): void {
  for (const mode of ["async", "sync"] as const) {
    test(`P9 P15 a run that waits for what is not there yet holds no slot, fails nothing and goes on from its checkpoint: ${mode}`, async (harness) => {
      const { there, seen, connect, until, quiet } = await start(harness);
      const [client, eve] = [await connect(), await connect(EVE)];
      await client.send({ type: "request", id: "r1", action: "waits", payload: {}, options: { mode } });
      await quiet();
      await eve.send({ type: "request", id: "e1", action: "work", payload: {}, options: { mode: "async" } });
      await until("another's run is done", () => eve.last("complete") !== undefined, 900);
      await until("it has looked five times", () => seen.length === 5, 10_000);
      expect(await record(harness.engine, submission("r1").key)).toMatchObject({ status: "RETRYING" });
      there.rows = true;
      await until("done", () => client.last("complete") !== undefined, 5_000);
      expect(client.last("complete")).toMatchObject({ request_id: "r1", result: { attempt: 6 } });
      expect(seen).toEqual([undefined, ...[1, 2, 3, 4, 5].map((looked) => ({ looked }))]);
      expect(client.story("r1").map(({ type }) => type)).not.toContain("retrying");
    });
  }

  test("P9 P12 one that cannot be made durable is told to come again", async (harness) => {
    const throws = defineHandler({
      action: "throws",
      input: anything,
      estimate: 1,
      run: () => {
        throw new NotYet(1_000);
      },
    });
    const refuse = ({ verb }: { readonly verb: string }) => (verb === "requests.submit" ? "refuse" : "none");
    const { connect, until } = await start(harness, { handlers: [throws], decide: refuse });
    const client = await connect();
    await client.send({ type: "request", id: "r1", action: "throws", payload: {}, options: { mode: "sync" } });
    await until("answered", () => client.last("response") !== undefined);
    expect(client.last("response")).toMatchObject({ success: false, error: { code: "SERVICE_UNAVAILABLE" } });
  });

  test("P8 one that waits is cancelled at once", async (harness) => {
    const { seen, connect, until } = await start(harness);
    const client = await connect();
    await client.send({ type: "request", id: "r1", action: "waits", payload: {} });
    await until("it waits", async () => seen.length > 0 && (await record(harness.engine, submission("r1").key)).status === "RETRYING");
    const looked = seen.length;
    await client.send({ type: "cancel", request_id: "r1" });
    await until("cancelled", () => client.last("error") !== undefined, 900);
    expect(client.last("error")).toMatchObject({ request_id: "r1", error: { code: "CANCELLED" } });
    expect(seen).toHaveLength(looked);
  });
}
