/** A retry by hand begins a run as a request does, and takes the same way: right, payload, middleware, limits. */
import { defineHandler, Fatal, type AnyHandler, type Middleware } from "@streamer/core";
import { expect } from "vitest";
import type { ContractTest, Harness } from "../harness.ts";
import { ALICE } from "../samples.ts";
import { startPipeline, type FlowClient, type PipelineParts } from "./pipeline.ts";

/** Refuses what is not above `least`, which may be raised meanwhile as a newer version of a handler would. */
const above = (least: { value: number }) =>
  ({
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value: unknown) =>
        (value as { n: number }).n > least.value ? { value } : { issues: [{ message: `is not above ${least.value}`, path: ["n"] }] },
    },
  }) as const;

async function start(harness: Harness, more: Partial<PipelineParts> = {}) {
  const least = { value: 0 };
  const fate = { fails: true };
  const ran: (readonly string[])[] = [];
  const broken: AnyHandler = defineHandler({
    action: "broken",
    input: above(least),
    estimate: 60_000,
    permissions: ["work.do"],
    run: (_, ctx) => {
      ran.push(ctx.request.permissions);
      if (fate.fails) throw new Fatal("for good");
      return "done";
    },
  });
  const pipeline = await startPipeline({ harness, handlers: [broken], ...more });
  const client = await pipeline.connect(ALICE, ["work.do", "more"]);
  await client.send({ type: "request", id: "r1", action: "broken", payload: { n: 1 } });
  await pipeline.until("it has failed", () => client.last("error") !== undefined);
  fate.fails = false;
  const retry = async (by: FlowClient) => {
    const from = by.received.length;
    await by.send({ type: "retry", request_id: "r1", ref: "again" });
    return by.received.slice(from);
  };
  return { ...pipeline, client, least, ran, retry };
}

export function retryingContract(test: ContractTest): void {
  test("P9 P10 a retry is for whoever has the right to the action, and its run has the rights of who asked for it", async (harness) => {
    const { connect, retry, ran, until, client } = await start(harness);
    const lacking = await connect(ALICE, ["more"]);
    expect(await retry(lacking)).toMatchObject([{ type: "error", ref: "again", request_id: "r1", error: { code: "FORBIDDEN" } }]);
    expect(ran).toEqual([["work.do", "more"]]);
    const less = await connect(ALICE, ["work.do"]);
    await retry(less);
    await until("done", () => less.last("complete") !== undefined);
    expect(ran).toEqual([["work.do", "more"], ["work.do"]]);
    expect(lacking.received.map(({ type }) => type)).toEqual(["welcome", "error"]);
    expect(client.end.closed).toBeUndefined();
  });

  test("P9 middleware is asked about a retry as about a request, with its input, and may refuse it", async (harness) => {
    const asked: unknown[] = [];
    const quota: Middleware = {
      name: "quota",
      admit: ({ handler, requestId, input }) => {
        asked.push([handler.action, requestId, input]);
        if (asked.length === 2) throw new Fatal("used up", { code: "RATE_LIMITED" });
      },
    };
    const { client, retry, ran, until } = await start(harness, { middleware: [quota] });
    expect(await retry(client)).toMatchObject([{ type: "error", error: { code: "RATE_LIMITED", message: "used up" } }]);
    expect(ran).toHaveLength(1);
    await retry(client);
    await until("done", () => client.last("complete") !== undefined);
    expect(asked).toEqual(Array.from({ length: 3 }, () => ["broken", "r1", { n: 1 }]));
  });

  test("P9 P12 a payload that its handler takes no longer is refused at once, by its issues", async (harness) => {
    const { client, retry, ran, least } = await start(harness);
    least.value = 1;
    expect(await retry(client)).toMatchObject([
      { type: "error", request_id: "r1", error: { code: "VALIDATION_ERROR", details: { issues: [{ path: ["payload", "n"] }] } } },
    ]);
    expect(ran).toHaveLength(1);
  });

  test("P12 whoever lacks the right is told that, before anything is said of payload or options", async (harness) => {
    const { connect } = await start(harness);
    const lacking = await connect(ALICE, []);
    const wrong = [
      { payload: { n: -1 } },
      { payload: { n: 1 }, options: { timeout_ms: 604_800_000, priority: 9, max_attempts: 100 } },
      { payload: { n: 2 }, id: "r1" },
      { payload: { n: 1 }, options: { mode: "sync", delay_ms: 1 } },
    ] as const;
    for (const more of wrong) {
      await lacking.send({ type: "request", id: "r9", action: "broken", ...more });
      expect(lacking.last("error")).toMatchObject({ error: { code: "FORBIDDEN" } });
      expect(JSON.stringify(lacking.last("error"))).not.toMatch(/above|limit|mode|payload/);
    }
    await lacking.send({ type: "list", action: "broken" });
    expect(lacking.last("error")).toMatchObject({ error: { code: "FORBIDDEN" } });
  });

  test("P7 P9 a request that is forgotten while it is asked for is told to have been", async (harness) => {
    const { client, retry, engine, ran } = await start(harness);
    Object.assign(engine.requests, { payloadOf: async () => undefined });
    expect(await retry(client)).toMatchObject([{ type: "error", request_id: "r1", error: { code: "EXPIRED" } }]);
    expect(ran).toHaveLength(1);
  });

  test("P9 P10 P14 a retry that finds no room is refused by the quota's name", async (harness) => {
    const { client, retry, engine } = await start(harness);
    Object.assign(engine.requests, { redrive: async () => ({ outcome: "full", limit: "storedBytesPerTenant", bytes: 7 }) });
    expect(await retry(client)).toMatchObject([
      { type: "error", error: { code: "RATE_LIMITED", details: { quota: "storedBytesPerTenant" } } },
    ]);
  });

  test("P9 P13 a server that stops takes no retry", async (harness) => {
    const { client, retry, streamer } = await start(harness);
    const stopped = streamer.stop(0);
    expect(await retry(client)).toMatchObject([{ type: "error", error: { code: "SERVICE_UNAVAILABLE", retry: { after_ms: 1_000 } } }]);
    await stopped;
  });
}
