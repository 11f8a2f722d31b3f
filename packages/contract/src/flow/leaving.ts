/** A process that ends, freezes or has died: what ran there goes on elsewhere, or ends as what it is, once (P2, P3, P13). */
import { expect } from "vitest";
import { createStreamer, defineHandler, type AnyHandler, type HandlerContext } from "@streamer/core";
import { turnsOfTheLoop } from "../clock.ts";
import type { ContractTest, Harness } from "../harness.ts";
import { ALICE, LEASE_MS, record, submission } from "../samples.ts";
import { anything, startPipeline, type FlowClient, type PipelineParts } from "./pipeline.ts";

const { key: KEY } = submission("r1");
type Run = (input: unknown, ctx: HandlerContext) => unknown;
const handler = (run: Run, more: Partial<AnyHandler> = {}): AnyHandler =>
  defineHandler({ action: "work", input: anything, estimate: 60_000, retry: { maxAttempts: 2, baseMs: 100, capMs: 100 }, ...more, run });
const start = (harness: Harness, run: AnyHandler, more: Partial<PipelineParts> = {}) =>
  startPipeline({ harness, handlers: [run], ...more });
const ask = (client: FlowClient, id = "r1", more: object = {}): Promise<void> =>
  client.send({ type: "request", id, action: "work", payload: {}, ...more });
const types = (client: FlowClient, id = "r1"): string[] => client.story(id).map(({ type }) => type);
const untilStopped: Run = (_, ctx) =>
  new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
const forEver: Run = () => new Promise(() => {});
const ended = (client: FlowClient) => () => client.last("complete") !== undefined || client.last("error") !== undefined;

export function leavingContract(test: ContractTest): void {
  test("P13 a process that is about to freeze hands back its runs: from a checkpoint they go on, without one they have used up their time", async (harness) => {
    const resumed: unknown[] = [];
    const work = handler(
      async (input, ctx) => {
        resumed.push(ctx.resumed);
        if (ctx.resumed !== undefined) return "gone on";
        if (ctx.request.id === "saved") await ctx.checkpoint({ row: 3 });
        if (ctx.request.id === "said") await ctx.partial("rows", 1);
        return untilStopped(input, ctx);
      },
      { retry: { maxAttempts: 1 } },
    );
    const { connect, quiet, until, streamer } = await start(harness, work);
    const client = await connect();
    for (const id of ["saved", "said", "silent"]) await ask(client, id);
    await quiet();
    await streamer.handBack(1_000, { requireCheckpoint: true });
    await until("all have ended", () => ["saved", "said", "silent"].every((id) => /complete|error/.test(types(client, id).at(-1) ?? "")));
    expect(client.story("saved").at(-1)).toMatchObject({ result: "gone on", metadata: { attempts: 2 } });
    for (const id of ["said", "silent"]) expect(client.story(id).at(-1)).toMatchObject({ error: { code: "TIMEOUT" } });
    expect(resumed).toEqual([undefined, undefined, undefined, { row: 3 }]);
  });

  test("P13 a run that outlives its process is handed back by itself, from its checkpoint", async (harness) => {
    let runs = 0;
    const work = handler(
      async (input, ctx) => {
        runs += 1;
        if (ctx.request.id === "saved") await ctx.checkpoint({ runs });
        return runs > 3 ? "done" : untilStopped(input, ctx);
      },
      { retry: { maxAttempts: 1 } },
    );
    const { connect, until } = await start(harness, work, { options: { runLifeMs: 2_000 } });
    const client = await connect();
    await ask(client, "saved");
    await until("it is done", ended(client));
    expect(client.last("complete")).toMatchObject({ request_id: "saved", metadata: { attempts: 4 } });
    runs = 0;
    await ask(client, "silent");
    await until("its time is used up", () => client.last("error") !== undefined);
    expect(client.last("error")).toMatchObject({ request_id: "silent", error: { code: "TIMEOUT" } });
    expect(runs).toBe(1);
  });

  test("P13 what is answered at once when the process stops is told to ask again, and is not stored", async (harness) => {
    const { connect, quiet, streamer } = await start(harness, handler(untilStopped, { estimate: 1 }));
    const client = await connect();
    void ask(client);
    await quiet();
    const stopped = streamer.stop(0);
    await harness.clock.advance(3_000);
    await stopped;
    expect(client.last("response")).toMatchObject({ request_id: "r1", success: false, error: { code: "SERVICE_UNAVAILABLE" } });
    expect(await harness.engine.requests.has(KEY)).toBe(false);
  });

  test("P13 a process stops although a handler does not, and its request runs in the next", async (harness) => {
    const first = await start(harness, handler(forEver));
    const client = await first.connect();
    await ask(client);
    await first.until("it runs", () => first.streamer.running === 1);
    const stopped = first.streamer.stop(500);
    await harness.clock.advance(500 + 2_000 + 250);
    await stopped;
    expect(first.streamer.health()).toMatchObject({ runs: 0, abandonedRuns: 1 });
    expect(await record(harness.engine, KEY)).toMatchObject({ status: "PENDING", attempt: 1 });
  });

  test("P13 what begins while a process hands back is given up with the rest, and its asker is told", async (harness) => {
    const { connect, quiet, streamer } = await start(harness, handler(forEver, { estimate: 1 }));
    const client = await connect();
    void ask(client, "r1", { options: { mode: "async" } });
    await quiet();
    const handedBack = streamer.handBack(1_000, { requireCheckpoint: false });
    void ask(client, "late");
    await quiet();
    expect(streamer.running).toBe(2);
    await harness.clock.advance(1_000);
    await handedBack;
    expect(client.last("response")).toMatchObject({ request_id: "late", success: false, error: { code: "SERVICE_UNAVAILABLE" } });
  });

  for (const [when, options] of Object.entries({ "a submit": {}, "a claim": { delay_ms: 1_000 } }) as [string, object][]) {
    for (const graceMs of [0, 1_000]) {
      test(`P13 what ${when} of a process has taken is handed back, though the stop came before the answer of the store, in ${graceMs} ms`, async (harness) => {
        const isSlow = ({ verb }: { readonly verb: string }): boolean =>
          verb === (when === "a claim" ? "requests.claim" : "requests.submit");
        let isStopping = false;
        const { connect, quiet, streamer, engine } = await start(harness, handler(untilStopped), {
          decide: (call) => (isStopping && isSlow(call) ? { turns: 60 } : "none"),
        });
        const client = await connect();
        if (when === "a claim") {
          await ask(client, "r1", { options });
          await quiet();
        }
        isStopping = true;
        if (when === "a claim") {
          harness.clock.jump(2_000);
          void streamer.work(KEY);
        } else void ask(client);
        while (!engine.calls.some(isSlow)) await turnsOfTheLoop(1);
        const stopped = streamer.stop(graceMs);
        await harness.clock.advance(0);
        await quiet();
        await harness.clock.advance(graceMs + 2_000 + 250);
        await stopped;
        expect(await record(harness.engine, KEY)).toMatchObject({ status: "PENDING" });
      });
    }
  }

  test("P13 a process whose store refuses the end gives it up when its time is over, and the request runs again", async (harness) => {
    let isFull = true;
    let runs = 0;
    const { connect, quiet, until, streamer } = await start(
      harness,
      handler(async (input, ctx) => ((runs += 1), runs === 1 ? untilStopped(input, ctx) : "done")),
      {
        decide: ({ verb }) => (isFull && /release|settle/.test(verb) ? "refuse" : "none"),
      },
    );
    const client = await connect();
    await ask(client);
    await quiet();
    let isOver = false;
    const handedBack = streamer.handBack(5_000, { requireCheckpoint: false }).then(() => (isOver = true));
    await harness.clock.advance(2_000);
    expect(isOver).toBe(false);
    await harness.clock.advance(3_000);
    await handedBack;
    isFull = false;
    await until("done", ended(client), 3 * LEASE_MS);
    expect(client.last("complete")).toMatchObject({ result: "done", metadata: { attempts: 2 } });
  });

  test("P3 a run that lives is not taken back, although its lease could not be renewed", async (harness) => {
    const opened = Promise.withResolvers<void>();
    let runs = 0;
    let isFull = true;
    const { connect, until } = await start(
      harness,
      handler(async () => ((runs += 1), opened.promise)),
      {
        decide: ({ verb }) => (isFull && verb === "requests.advance" ? "refuse" : "none"),
      },
    );
    const client = await connect();
    await ask(client);
    let passedMs = 0;
    await until("its lease is over", () => (passedMs += 50) > 2 * LEASE_MS);
    expect(await record(harness.engine, KEY)).toMatchObject({ status: "PROCESSING", attempt: 1 });
    isFull = false;
    opened.resolve();
    await until("done", ended(client));
    expect(client.last("complete")).toMatchObject({ metadata: { attempts: 1 } });
    expect(runs).toBe(1);
  });

  test("P3 a request whose process died too often is a dead letter, and says so", async (harness) => {
    const options = { quarantineAfter: 1 };
    const first = await start(harness, handler(forEver), { options });
    const client = await first.connect();
    await ask(client);
    await first.until("it runs", () => first.streamer.running === 1);
    await harness.restart();
    const second = await start(harness, handler(forEver), { options });
    const again = await second.connect();
    await second.until("it is a dead letter", async () => (await record(harness.engine, KEY)).status === "FAILED");
    await again.send({ type: "subscribe", request_id: "r1", after: 1 });
    await second.until("told", () => again.last("error") !== undefined);
    expect(again.last("error")).toMatchObject({ request_id: "r1", error: { message: expect.stringMatching(/died 1 times.*dead letter/) } });
    await again.send({ type: "retry", request_id: "r1" });
    expect(types(again).at(-1)).toBe("acknowledgment");
  });

  test("more handlers that ignore their signal than there are slots keep theirs until they end", async (harness) => {
    const opened = new Map(["s1", "s2"].map((id) => [id, Promise.withResolvers<void>()] as const));
    const work = handler((_, { request }) => opened.get(request.id)?.promise ?? "fine");
    const { connect, until, quiet, streamer } = await start(harness, work, { options: { inlineSlots: 1, cancelGraceMs: 500 } });
    const client = await connect();
    for (const id of opened.keys()) {
      await ask(client, id);
      await until(`${id} runs`, () => streamer.running === 1);
      await client.send({ type: "cancel", request_id: id });
      await until(`${id} has ended`, () => client.last("error")?.request_id === id);
    }
    expect(streamer.health()).toEqual({ runs: 0, abandonedRuns: 2, isLosingSlots: true });
    await ask(client, "fine");
    await harness.clock.advance(1_000);
    expect(client.last("complete")).toBeUndefined();
    // The slot of the first was given to the second, which keeps it.
    opened.get("s1")!.resolve();
    await harness.clock.advance(1_000);
    expect(client.last("complete")).toBeUndefined();
    expect(streamer.health()).toMatchObject({ abandonedRuns: 1 });
    opened.get("s2")!.resolve();
    await quiet();
    await until("another runs", () => client.last("complete") !== undefined);
    expect(client.last("complete")).toMatchObject({ request_id: "fine", result: "fine" });
    expect(streamer.health()).toEqual({ runs: 0, abandonedRuns: 0, isLosingSlots: false });
  });

  test("P13 run times that cannot be stored hold up no stop", async (harness) => {
    const { connect, until, streamer } = await start(
      harness,
      handler(() => 1),
      {
        decide: ({ verb }) => (verb.startsWith("runTimes.") ? "refuse" : "none"),
      },
    );
    const client = await connect();
    await ask(client);
    await until("done", ended(client));
    const stopped = streamer.stop(0);
    await harness.clock.advance(3_000);
    await stopped;
  });

  test("P13 settled waits for what runs, and for what is being told", async (harness) => {
    const opened = Promise.withResolvers<void>();
    const { connect, quiet, streamer } = await start(
      harness,
      handler(() => opened.promise),
      {
        decide: ({ verb }) => (verb === "subscriptions.of" ? { turns: 30 } : "none"),
      },
    );
    const client = await connect();
    await ask(client);
    await quiet();
    let isSettled = false;
    const settled = streamer.settled().then(() => (isSettled = true));
    await turnsOfTheLoop(50);
    expect(isSettled).toBe(false);
    opened.resolve();
    await settled;
    expect(client.last("complete")).toBeDefined();
  });

  test("an engine that answers at once is asked as any other, and nobody has to hear of free slots", async (harness) => {
    const work = handler(() => "done", { estimate: 1 });
    const streamer = createStreamer({ engine: harness.engine, handlers: [work] });
    const { connectionId, received } = await harness.connectClient();
    await streamer.connect({ connectionId, owner: ALICE, permissions: [], connectedAt: harness.clock.now() });
    await streamer.receive(connectionId, JSON.stringify({ type: "request", id: "r1", action: "work" }));
    await turnsOfTheLoop();
    expect(received.map((text) => JSON.parse(text) as object)).toMatchObject([
      { type: "welcome" },
      { type: "response", request_id: "r1", success: true, data: "done" },
    ]);
    await streamer.receive(connectionId, JSON.stringify({ type: "request", action: "work", options: { mode: "async" } }));
    await (
      await streamer.work()
    ).ended;
    await streamer.settled();
    expect(JSON.parse(received.at(-1)!)).toMatchObject({ type: "complete", result: "done" });
  });

  test("P5 a process that leaves the queue to others says so to those who wait", async (harness) => {
    const { connect, streamer, quiet } = await start(harness, handler(forEver), { options: { takesQueued: false } });
    const client = await connect();
    await ask(client);
    // Engines that cannot know the queue say so after a minute.
    await harness.clock.advance(61_000);
    await streamer.tellWaits([KEY]);
    await quiet();
    const reasons = client.received.flatMap((message) =>
      message.type === "acknowledgment" ? [message.waiting_for] : message.type === "waiting" ? [message.reason, message.position] : [],
    );
    expect(reasons).toContain("no_worker");
    expect(client.received.findLast(({ type }) => type === "waiting") ?? {}).not.toHaveProperty("position");
  });

  test("P5 a request asked for by name that a limit holds is told so; one that began meanwhile is not", async (harness) => {
    let isSlow = false;
    const work = handler(forEver, { concurrency: { total: 1 }, estimate: () => 60_000 });
    const { connect, streamer, until, quiet } = await start(harness, work, {
      decide: ({ verb }) => (isSlow && verb === "requests.wait" ? { turns: 30 } : "none"),
    });
    const client = await connect();
    await ask(client, "first");
    await until("it runs", () => streamer.running === 1);
    await ask(client, "r1", { options: { delay_ms: 1_000 } });
    await harness.clock.advance(1_000);
    await streamer.work(KEY);
    await quiet();
    expect(client.last("waiting")).toMatchObject({ request_id: "r1", reason: "action_concurrency" });
    await ask(client, "r2", { options: { delay_ms: 1_000 } });
    await harness.clock.advance(1_000);
    isSlow = true;
    const told = streamer.tellWaits([submission("r2").key]);
    await turnsOfTheLoop(8);
    await client.send({ type: "cancel", request_id: "r2" });
    await told;
    expect(types(client, "r2")).not.toContain("waiting");
  });
}
