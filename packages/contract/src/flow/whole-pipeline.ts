/** The whole pipeline on this engine: connect, request, queue, run, progress, result, and everything asked meanwhile. */
import { expect } from "vitest";
import { Fatal, defineHandler, type AnyHandler, type HandlerContext } from "@streamer/core";
import { turnsOfTheLoop } from "../clock.ts";
import type { ContractTest, Harness } from "../harness.ts";
import { anything, startPipeline, type FlowClient, type PipelineParts } from "./pipeline.ts";
import { BOB, EVE, LEASE_MS, submission } from "../samples.ts";

const handler = (action: string, run: (input: unknown, ctx: HandlerContext) => unknown, more: Partial<AnyHandler> = {}): AnyHandler =>
  defineHandler({
    action,
    input: anything,
    estimate: 60_000,
    retry: { maxAttempts: 3, baseMs: 1_000, capMs: 4_000 },
    ...more,
    run: async (input, ctx) => run(input, ctx),
  });

const start = (harness: Harness, handlers: readonly AnyHandler[], more: Partial<PipelineParts> = {}) =>
  startPipeline({ harness, handlers, ...more });

const types = (client: FlowClient, requestId = "r1"): string[] => client.story(requestId).map(({ type }) => type);
const ask = (client: FlowClient, action: string, id = "r1", payload: unknown = {}): Promise<void> =>
  client.send({ type: "request", id, action, payload: payload as never });

/** A promise that the test keeps. */
const gate = Promise.withResolvers.bind(Promise)<void>;

export function flowContract(test: ContractTest): void {
  test("P1 P5 a request is acknowledged, reports, and completes, on one cursor", async (harness) => {
    const work = handler("work", async (input, ctx) => {
      ctx.report(40, "reading", { stage: "read" });
      await ctx.partial("rows", [1, 2]);
      return { echoed: input };
    });
    const { connect, until, engine } = await start(harness, [work]);
    const client = await connect();
    expect(client.received).toMatchObject([{ type: "welcome", epoch: harness.engine.epoch, connection_id: client.end.connectionId }]);
    await ask(client, "work", "r1", { n: 7 });
    await until("complete", () => client.last("complete") !== undefined);
    const story = client.story("r1");
    // A slot was free: the write that stored it has claimed it, too.
    expect(story[0]).toMatchObject({ type: "acknowledgment", seq: 1, status: "processing" });
    expect(engine.calls.find(({ verb }) => verb === "requests.submit")!.values[0]).toMatchObject({ claim: { leaseMs: LEASE_MS } });
    expect(types(client)).toContain("partial");
    expect(story.at(-2)).toMatchObject({ type: "progress", percentage: 100 });
    expect(story.at(-1)).toMatchObject({ type: "complete", result: { echoed: { n: 7 } }, metadata: { attempts: 1 } });
    expect(story.map(({ seq }) => seq)).toEqual(story.map(({ seq }) => seq).toSorted((a, b) => a - b));
  });

  test("P9 a failing handler is tried again later, and nothing runs while it waits", async (harness) => {
    const runs: number[] = [];
    const flaky = handler("flaky", (_, ctx) => {
      runs.push(ctx.request.attempt);
      if (runs.length < 3) throw new Error(`failure ${runs.length}`);
      return "third time lucky";
    });
    const { connect, until, streamer } = await start(harness, [flaky]);
    const client = await connect();
    await ask(client, "flaky");
    await until("the first failure", () => types(client).includes("retrying"));
    expect(streamer.running).toBe(0);
    await until("complete", () => client.last("complete") !== undefined);
    expect(runs).toEqual([1, 2, 3]);
    expect(types(client).filter((type) => type !== "progress")).toEqual(["acknowledgment", "retrying", "retrying", "complete"]);
  });

  test("P9 exhausted and fatal requests are dead letters, and redriven they run again", async (harness) => {
    const mended = { yes: false };
    const broken = handler("broken", () => {
      if (!mended.yes) throw new Error("still broken");
      return "mended";
    });
    const fatal = handler("fatal", () => {
      throw new Fatal("no such table");
    });
    const { connect, until } = await start(harness, [broken, fatal]);
    const client = await connect();
    await ask(client, "broken");
    await ask(client, "fatal", "r2");
    await until("both failed", () => types(client).includes("error") && types(client, "r2").includes("error"));
    expect(types(client, "r2").filter((type) => type === "retrying")).toEqual([]);
    expect(types(client).filter((type) => type === "retrying")).toHaveLength(2);
    mended.yes = true;
    await client.send({ type: "retry", request_id: "r1" });
    await until("mended", () => client.last("complete") !== undefined);
    expect(client.last("complete")).toMatchObject({ request_id: "r1", result: "mended" });
  });

  test("P6 whoever subscribes after any seq gets the rest, with no gap and no repeat", async (harness) => {
    const opened = gate();
    const work = handler("work", async (_, ctx) => {
      for (let n = 0; n < 5; n += 1) await ctx.partial("rows", n);
      await opened.promise;
      for (let n = 5; n < 8; n += 1) await ctx.partial("rows", n);
    });
    const { connect, until, quiet } = await start(harness, [work]);
    const first = await connect();
    await ask(first, "work");
    await until("half way", () => types(first).filter((type) => type === "partial").length === 5);
    const others: FlowClient[] = [];
    for (let after = 0; after <= 6; after += 1) {
      const other = await connect();
      await other.send({ type: "subscribe", request_id: "r1", after });
      others.push(other);
    }
    await quiet();
    opened.resolve();
    await until("everybody saw the end", () => [first, ...others].every((client) => client.last("complete") !== undefined));
    for (const [after, other] of others.entries()) {
      expect(other.received.find(({ type }) => type === "snapshot")).toMatchObject({ recovered: true });
      expect(other.story("r1"), `after ${after}`).toEqual(first.story("r1").filter(({ seq }) => seq > after));
    }
  });

  test("P6 what was subscribed to while it is told arrives once, however slowly the parts go", async (harness) => {
    const work = handler("work", async (_, ctx) => {
      for (let n = 0; n < 30; n += 1) await ctx.partial("rows", n);
    });
    // Sending is the slowest: replays and live events of the same seqs are under way together.
    let turn = 0;
    const decide: PipelineParts["decide"] = ({ verb }) => ({ turns: verb === "channel.send" ? (turn += 7) % 11 : (turn += 3) % 4 });
    const { connect, until } = await start(harness, [work], { decide });
    const first = await connect();
    await ask(first, "work");
    const others: FlowClient[] = [];
    for (let n = 0; n < 6; n += 1) {
      const other = await connect();
      others.push(other);
      void other.send({ type: "subscribe", request_id: "r1", after: 0 });
    }
    await until("everybody saw the end", () => [first, ...others].every((client) => client.last("complete") !== undefined));
    const durable = (client: FlowClient) => client.story("r1").filter(({ type }) => type !== "progress");
    for (const other of others) {
      expect(durable(other)).toEqual(durable(first));
      const seqs = other.story("r1").map(({ seq }) => seq);
      expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
    }
  });

  test("P6 a replay that overtakes a slow subscriber is not repeated afterwards", async (harness) => {
    const work = handler("work", async (_, ctx) => {
      for (let n = 0; n < 6; n += 1) await ctx.partial("rows", n);
    });
    let slowId = "";
    const decide: PipelineParts["decide"] = ({ verb, values }) => ({ turns: verb === "channel.send" && values[0] === slowId ? 40 : 0 });
    const { connect, until } = await start(harness, [work], { decide });
    const slow = await connect();
    slowId = slow.end.connectionId;
    const asked = ask(slow, "work");
    const quick = await connect();
    // Now the events it replays are stored, and wait behind the slow one to be pushed.
    const stored = async () => (await harness.engine.events.after(submission("r1").key, 0, 10)).length;
    while ((await stored()) < 6) await turnsOfTheLoop(1);
    await quick.send({ type: "subscribe", request_id: "r1" });
    await asked;
    await until("everybody saw the end", () => [slow, quick].every((client) => client.last("complete") !== undefined));
    const durable = (client: FlowClient) => client.story("r1").filter(({ type }) => type !== "progress");
    expect(durable(quick)).toEqual(durable(slow));
  });

  test("P1 a run does not wait until its client has been told that it was accepted", async (harness) => {
    const ran = gate();
    const work = handler("work", () => ran.resolve());
    let isStalled = false;
    const decide: PipelineParts["decide"] = ({ verb }) => (verb === "channel.send" && isStalled ? "drop" : "none");
    const { connect, until, streamer } = await start(harness, [work], { decide });
    const client = await connect();
    isStalled = true;
    void client.send({ type: "request", id: "r1", action: "work", payload: {} });
    await ran.promise;
    isStalled = false;
    await until("its slot is free", () => streamer.running === 0);
  });

  test("P4 P14 a request that is sent again holds no slot while its client is told what there is", async (harness) => {
    const work = handler("work", () => "done");
    let isStalled = false;
    const decide: PipelineParts["decide"] = ({ verb }) => (verb === "channel.send" && isStalled ? "drop" : "none");
    const { connect, until } = await start(harness, [work], { decide, options: { inlineSlots: 1 } });
    const [client, other] = [await connect(), await connect()];
    await ask(client, "work");
    await until("complete", () => client.last("complete") !== undefined);
    isStalled = true;
    void client.send({ type: "request", id: "r1", action: "work", payload: {} });
    await turnsOfTheLoop(20);
    isStalled = false;
    await ask(other, "work", "r2");
    await until("another has its slot", () => other.last("complete") !== undefined);
  });

  test("P8 a running request is cancelled with receipts, in order, to every subscriber", async (harness) => {
    const slow = handler(
      "slow",
      (_, ctx) => new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))),
    );
    const { connect, until, streamer } = await start(harness, [slow]);
    const [one, two] = [await connect(), await connect()];
    await ask(one, "slow");
    await until("it runs", () => streamer.running === 1);
    await two.send({ type: "subscribe", request_id: "r1" });
    await two.send({ type: "cancel", request_id: "r1", reason: "changed my mind" });
    await until("it stopped", () => one.last("error") !== undefined && two.last("error") !== undefined);
    for (const client of [one, two]) {
      const stages = client.story("r1").flatMap((message) => (message.type === "cancellation" ? [message.stage] : []));
      expect(stages).toEqual(["requested", "observed", "stopped"]);
      expect(client.last("error")).toMatchObject({ request_id: "r1", error: { code: "CANCELLED" } });
    }
    await two.send({ type: "cancel", request_id: "r1" });
    expect(two.last("cancellation")).toMatchObject({ stage: "too_late" });
  });

  test("P10 to anybody else a request is not there", async (harness) => {
    const opened = gate();
    const { connect, until } = await start(harness, [handler("work", () => opened.promise)]);
    const mine = await connect();
    await ask(mine, "work");
    for (const owner of [BOB, EVE]) {
      const other = await connect(owner);
      for (const type of ["subscribe", "get", "cancel", "retry"] as const) {
        await other.send({ type, request_id: "r1" });
        expect(other.last("error"), `${type} by ${owner.userId} of ${owner.tenantId}`).toMatchObject({ error: { code: "NOT_FOUND" } });
      }
      await other.send({ type: "list" });
      expect(other.last("list")).toMatchObject({ items: [] });
      expect(other.story("r1")).toEqual([]);
    }
    opened.resolve();
    await until("undisturbed", () => mine.last("complete") !== undefined);
  });

  test("P4 the same id again runs nothing again, and another payload under it is refused", async (harness) => {
    let runs = 0;
    const { connect, until } = await start(harness, [handler("work", () => (runs += 1))]);
    const client = await connect();
    await ask(client, "work", "r1", { n: 1 });
    await until("complete", () => client.last("complete") !== undefined);
    await ask(client, "work", "r1", { n: 1 });
    expect(client.last("snapshot")).toMatchObject({ request_id: "r1", status: "COMPLETED", result: 1 });
    await client.send({ type: "retry", request_id: "r1" });
    expect(client.last("error")).toMatchObject({
      error: { code: "VALIDATION_ERROR", details: { issues: [{ path: ["request_id"], message: "is COMPLETED" }] } },
    });
    await ask(client, "work", "r1", { n: 2 });
    expect(client.last("error")).toMatchObject({
      request_id: "r1",
      error: { code: "DUPLICATE_REQUEST", details: { request_id: "r1" } },
    });
    expect(runs).toBe(1);
  });

  test("P4 P14 what is asked again, or refused, takes no slot from what comes after it", async (harness) => {
    const { connect, until } = await start(harness, [handler("work", () => "done")], { options: { inlineSlots: 1 } });
    const client = await connect();
    await ask(client, "work", "r1", { n: 1 });
    await until("complete", () => client.last("complete") !== undefined);
    await ask(client, "work", "r1", { n: 1 });
    await ask(client, "work", "r1", { n: 2 });
    await ask(client, "work", "r2");
    expect(client.last("acknowledgment")).toMatchObject({ request_id: "r2", status: "processing" });
    await until("complete", () => client.last("complete")?.request_id === "r2");
  });

  test("P4 who is refused another payload under an id that runs is told nothing of what runs", async (harness) => {
    const opened = gate();
    const { connect, until, quiet } = await start(harness, [handler("work", () => opened.promise)]);
    const [client, other] = [await connect(), await connect()];
    await ask(client, "work", "r1", { n: 1 });
    await ask(other, "work", "r1", { n: 2 });
    expect(other.last("error")).toMatchObject({ request_id: "r1", error: { code: "DUPLICATE_REQUEST" } });
    opened.resolve();
    await until("complete", () => client.last("complete") !== undefined);
    await quiet();
    expect(other.received.map(({ type }) => type)).toEqual(["welcome", "error"]);
  });

  test("P4 P5 P6 the same id again from elsewhere, while it is told, is the whole story once, in order", async (harness) => {
    const work = handler("work", async (_, ctx) => {
      for (let n = 0; n < 30; n += 1) await ctx.partial("rows", n);
    });
    let turn = 0;
    const decide: PipelineParts["decide"] = ({ verb }) => ({ turns: verb === "channel.send" ? (turn += 5) % 7 : (turn += 3) % 4 });
    const { connect, until } = await start(harness, [work], { decide });
    const clients = [await connect(), await connect(), await connect(), await connect()];
    for (const client of clients) {
      void ask(client, "work");
      await harness.clock.advance(1);
    }
    await until("everybody saw the end", () => clients.every((client) => client.last("complete") !== undefined));
    for (const client of clients) {
      const seqs = client.story("r1").map(({ seq }) => seq);
      expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
      expect(types(client).filter((type) => type !== "progress")).toEqual([
        "acknowledgment",
        ...Array.from({ length: 30 }, () => "partial"),
        "complete",
      ]);
    }
  });

  test("P7 a stored file is linked anew at each read", async (harness) => {
    const work = handler("work", async (_, ctx) => ({ url: (await ctx.blobs.put("out.txt", "contents")).url }));
    const { connect, until } = await start(harness, [work], { options: { linkMs: 60_000 } });
    const client = await connect();
    await ask(client, "work");
    await until("complete", () => client.last("complete") !== undefined);
    const open = async (result: unknown) => harness.download((result as { url: string }).url);
    const first = client.last("complete")!.result;
    expect(new TextDecoder().decode((await open(first)).bytes)).toBe("contents");
    await harness.clock.advance(61_000);
    expect((await open(first)).status).toBeGreaterThanOrEqual(400);
    await client.send({ type: "get", request_id: "r1" });
    expect((await open(client.last("snapshot")!.result)).status).toBe(200);
  });

  test("P10 a run reads the files of its own user's requests, and nobody else's", async (harness) => {
    const work = handler("work", async (input, ctx) => {
      await ctx.blobs.put("model.json", `of ${ctx.request.userId}`);
      await ctx.blobs.put("stage-1", "passing");
      await ctx.blobs.put("stage-2", "passing");
      await ctx.blobs.removeAll("stage-");
      const { from } = input as { from?: string };
      const read = async (name: string, requestId?: string): Promise<string | null> => {
        const opened = await ctx.blobs.open(name, requestId === undefined ? undefined : { requestId });
        return opened ? new Response(opened.body).text() : null;
      };
      return [await read("model.json"), await read("stage-1"), from === undefined ? null : await read("model.json", from)];
    });
    const { connect, until } = await start(harness, [work]);
    const client = await connect();
    const bob = await connect(BOB);
    await ask(client, "work", "r1");
    await until("complete", () => client.last("complete") !== undefined);
    await ask(client, "work", "r2", { from: "r1" });
    await ask(bob, "work", "r3", { from: "r1" });
    await ask(bob, "work", "r4", { from: "../alice/r1" });
    await until(
      "all complete",
      () => client.last("complete")?.request_id === "r2" && bob.received.filter(({ type }) => type === "complete").length === 2,
    );
    expect(client.story("r2").at(-1)).toMatchObject({ result: ["of alice", null, "of alice"] });
    for (const id of ["r3", "r4"]) expect(bob.story(id).at(-1)).toMatchObject({ result: ["of bob", null, null] });
  });

  test("P13 a stopping process hands back what runs, and the next one goes on without waiting for a lease", async (harness) => {
    const seen: unknown[] = [];
    const work = handler("work", async (_, ctx) => {
      seen.push(ctx.resumed);
      if (ctx.resumed === undefined) {
        await ctx.checkpoint({ row: 3 });
        await new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
      }
      return "done";
    });
    const first = await start(harness, [work]);
    const client = await first.connect();
    await ask(client, "work");
    await first.until("checkpointed", () => seen.length === 1 && first.streamer.running === 1);
    const stopped = first.streamer.stop(1_000);
    await harness.clock.advance(5_000);
    await stopped;
    await client.send({ type: "request", id: "late", action: "work" });
    expect(client.last("error")).toMatchObject({ request_id: "late", error: { code: "SERVICE_UNAVAILABLE" } });
    await harness.restart();
    const second = await start(harness, [work]);
    const again = await second.connect();
    await again.send({ type: "subscribe", request_id: "r1", after: 1 });
    await second.until("complete", () => again.last("complete") !== undefined, 5_000);
    expect(seen).toEqual([undefined, { row: 3 }]);
  });

  test("P2 a stored payload that a newer handler cannot read fails, and is not tried for ever", async (harness) => {
    const first = await start(harness, [handler("work", () => 1)]);
    const client = await first.connect();
    await client.send({ type: "request", id: "r1", action: "work", payload: { old: true }, options: { delay_ms: 60_000 } });
    await harness.restart();
    const strict = {
      "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [{ message: "old is unknown", path: ["old"] }] }) },
    } as const;
    const second = await start(harness, [handler("work", () => 1, { input: strict })]);
    const again = await second.connect();
    await again.send({ type: "subscribe", request_id: "r1", after: 1 });
    await second.until("it failed", () => again.last("error") !== undefined, 300_000);
    expect(again.last("error")).toMatchObject({ request_id: "r1", error: { code: "VALIDATION_ERROR" } });
    expect(await harness.engine.requests.nextRunAt()).toBeUndefined();
  });
}
