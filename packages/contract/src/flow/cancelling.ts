/** A cancellation reaches its request wherever that is: on its way in, waiting, answered at once, being promoted (P8). */
import { expect } from "vitest";
import { defineHandler, Fatal, type AnyHandler, type HandlerContext } from "@streamer/core";
import { turnsOfTheLoop } from "../clock.ts";
import type { ContractTest, Harness } from "../harness.ts";
import { CANCEL_EVENTS, record, submission } from "../samples.ts";
import { anything, startPipeline, type FlowClient, type PipelineParts } from "./pipeline.ts";

const { key: KEY } = submission("r1");
const untilStopped = (_: unknown, ctx: HandlerContext): Promise<never> =>
  new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
const handler = (run: AnyHandler["run"], more: Partial<AnyHandler> = {}): AnyHandler =>
  defineHandler({ action: "work", input: anything, estimate: 60_000, ...more, run });
const start = (harness: Harness, run: AnyHandler, more: Partial<PipelineParts> = {}) =>
  startPipeline({ harness, handlers: [run], ...more });
const ask = (client: FlowClient, more: object = {}): Promise<void> =>
  client.send({ type: "request", id: "r1", action: "work", payload: {}, ...more });
const stages = (client: FlowClient): unknown[] =>
  client.received.flatMap((message) => (message.type === "cancellation" ? [message.stage] : []));

export function cancellingContract(test: ContractTest): void {
  test("P8 a request that waits is cancelled at once, and its followers are told why", async (harness) => {
    const { connect, quiet } = await start(harness, handler(untilStopped));
    const [client, other] = [await connect(), await connect()];
    await ask(client, { options: { delay_ms: 60_000 } });
    await other.send({ type: "cancel", request_id: "r1", reason: "no need", ref: "c" });
    await quiet();
    for (const each of [client, other]) {
      expect(stages(each)).toEqual(["requested", "stopped"]);
      expect(each.last("error")).toMatchObject({ error: { code: "CANCELLED", message: expect.stringContaining("no need") } });
    }
    expect(await record(harness.engine, KEY)).toMatchObject({ status: "CANCELLED", attempt: 0 });
    await other.send({ type: "cancel", request_id: "r1", ref: "again" });
    expect(other.last("cancellation")).toMatchObject({ stage: "too_late", ref: "again" });
  });

  test("P8 what is cancelled right behind its request is known by then, and is cancelled", async (harness) => {
    const admitted = Promise.withResolvers<void>();
    const { connect, quiet, until } = await start(harness, handler(untilStopped), {
      middleware: [{ name: "slow", admit: () => admitted.promise }],
    });
    const client = await connect();
    void ask(client);
    void client.send({ type: "cancel", request_id: "r1" });
    void client.send({ type: "get", request_id: "r1", ref: "g" });
    await quiet();
    expect(client.received.map(({ type }) => type)).toEqual(["welcome"]);
    admitted.resolve();
    await until("it ended", () => client.last("error") !== undefined);
    expect(client.last("error")).toMatchObject({ request_id: "r1", error: { code: "CANCELLED" } });
    expect(stages(client)).toContain("requested");
    expect(client.last("snapshot")).toMatchObject({ request_id: "r1", ref: "g" });
  });

  test("P5 P8 who follows and cancels in one moment is told of the cancellation once, behind the snapshot", async (harness) => {
    const { connect, until, quiet, streamer } = await start(harness, handler(untilStopped), {
      decide: ({ verb }) => (verb === "requests.get" ? { turns: 60 } : "none"),
    });
    const [asker, client] = [await connect(), await connect()];
    await ask(asker);
    await until("it runs", () => streamer.running === 1);
    void client.send({ type: "subscribe", request_id: "r1", ref: "s" });
    void client.send({ type: "cancel", request_id: "r1" });
    await quiet();
    await until("it ended", () => client.last("error") !== undefined);
    expect(client.received[1]).toMatchObject({ type: "snapshot", ref: "s" });
    expect(stages(client)).toEqual(["requested", "observed", "stopped"]);
  });

  test("P8 a run that is answered at once is cancelled, and its answer says so", async (harness) => {
    const { connect, quiet, until } = await start(harness, handler(untilStopped, { estimate: 1 }));
    const [client, other] = [await connect(), await connect()];
    void ask(client);
    await quiet();
    await other.send({ type: "cancel", request_id: "r1", reason: "no need", ref: "c" });
    expect(other.last("cancellation")).toMatchObject({ stage: "requested", reason: "no need", ref: "c" });
    await until("answered", () => client.last("response") !== undefined);
    expect(client.last("response")).toMatchObject({ request_id: "r1", success: false, error: { code: "CANCELLED" } });
    expect(await harness.engine.requests.has(KEY)).toBe(false);
  });

  test("P8 a run that is being made durable is cancelled as what it becomes", async (harness) => {
    const run: AnyHandler["run"] = async (input, ctx) => {
      await ctx.partial("rows", 1);
      return untilStopped(input, ctx);
    };
    const { connect, quiet, until } = await start(harness, handler(run, { estimate: 1 }), {
      decide: ({ verb }) => (verb === "requests.submit" ? { turns: 20 } : "none"),
    });
    const client = await connect();
    void ask(client);
    await turnsOfTheLoop(4);
    void client.send({ type: "cancel", request_id: "r1" });
    await quiet();
    await until("it ended", () => client.last("error") !== undefined || client.last("response") !== undefined);
    expect(client.last("error")).toMatchObject({ request_id: "r1", error: { code: "CANCELLED" } });
    expect(await record(harness.engine, KEY)).toMatchObject({ status: "CANCELLED" });
  });

  test("P8 a store that had the wish with the write that took a run tells it to stop", async (harness) => {
    const run: AnyHandler["run"] = async (input, ctx) => {
      await ctx.partial("rows", 1);
      return untilStopped(input, ctx);
    };
    const { connect, until, engine } = await start(harness, handler(run, { estimate: 1 }));
    const { submit } = engine.requests;
    Object.assign(engine.requests, {
      submit: async (...terms: Parameters<typeof submit>) => {
        const outcome = await submit(...terms);
        return outcome.outcome === "created" && outcome.claim
          ? { ...outcome, claim: { ...outcome.claim, cancelRequested: true } }
          : outcome;
      },
    });
    const client = await connect();
    void ask(client);
    await until("it ended", () => client.last("error") !== undefined);
    expect(client.last("error")).toMatchObject({ request_id: "r1", error: { code: "CANCELLED" } });
  });

  test("P2 P8 a run whose process died before it followed a wish ends as cancelled, and its followers are told", async (harness) => {
    const { connect, until, streamer } = await start(
      harness,
      handler(() => new Promise(() => {})),
    );
    const client = await connect();
    await ask(client);
    await until("it runs", () => streamer.running === 1);
    await client.send({ type: "cancel", request_id: "r1" });
    await harness.restart();
    const next = await start(harness, handler(untilStopped));
    const other = await next.connect();
    await other.send({ type: "subscribe", request_id: "r1", after: 0 });
    await next.until("it ended", () => other.last("error") !== undefined);
    expect(stages(other)[0]).toBe("requested");
    expect(stages(other).at(-1)).toBe("stopped");
    expect(other.last("error")).toMatchObject({ request_id: "r1", error: { code: "CANCELLED" } });
    expect(await record(harness.engine, KEY)).toMatchObject({ status: "CANCELLED" });
  });

  test("P8 a run learns of a wish that another process took with its next write", async (harness) => {
    const { connect, until, streamer } = await start(harness, handler(untilStopped));
    const client = await connect();
    await ask(client);
    await until("it runs", () => streamer.running === 1);
    // Asked of the store alone, as by a process that does not have the run.
    expect(await harness.engine.requests.requestCancel(KEY, CANCEL_EVENTS)).toMatchObject({ outcome: "requested" });
    expect(client.last("error")).toBeUndefined();
    await until("it ended", () => client.last("error") !== undefined);
    expect(client.last("error")).toMatchObject({ request_id: "r1", error: { code: "CANCELLED" } });
  });

  for (const ending of ["completes", "fails"] as const) {
    test(`P8 a wish that comes once it is decided that a run ${ending}, and before that is stored, was too late`, async (harness) => {
      const run: AnyHandler["run"] = (_, ctx) => {
        void ctx.partial("rows", 1).catch(() => {});
        if (ending === "fails") throw new Fatal("for good");
        return "done";
      };
      const { connect, until, quiet } = await start(harness, handler(run), {
        decide: ({ verb }) => (verb === "requests.advance" ? { turns: 60 } : "none"),
      });
      const client = await connect();
      void ask(client);
      while (client.last("acknowledgment") === undefined) await turnsOfTheLoop(1);
      await turnsOfTheLoop(4);
      void client.send({ type: "cancel", request_id: "r1" });
      await quiet();
      await until("it ended", () => client.last("complete") !== undefined || client.last("error") !== undefined);
      expect(stages(client)).toEqual(["requested", "too_late"]);
      expect(client.story("r1").at(-1)).toMatchObject({ type: ending === "fails" ? "error" : "complete" });
    });
  }

  test("P8 a wish that came while its run was handed back is followed by the next run", async (harness) => {
    let runs = 0;
    const run: AnyHandler["run"] = async (input, ctx) => {
      runs += 1;
      return untilStopped(input, ctx);
    };
    let isHandingBack = false;
    const { connect, until, quiet, streamer } = await start(harness, handler(run), {
      decide: ({ verb }) => (isHandingBack && verb === "requests.release" ? { turns: 40 } : "none"),
    });
    const client = await connect();
    await ask(client);
    await until("it runs", () => runs === 1);
    isHandingBack = true;
    const handedBack = streamer.handBack(1_000, { requireCheckpoint: false });
    await turnsOfTheLoop(2);
    await client.send({ type: "cancel", request_id: "r1" });
    await handedBack;
    await quiet();
    await until("it ended", () => client.last("error") !== undefined);
    expect(client.last("error")).toMatchObject({ request_id: "r1", error: { code: "CANCELLED" } });
    expect(await record(harness.engine, KEY)).toMatchObject({ status: "CANCELLED" });
  });
}
