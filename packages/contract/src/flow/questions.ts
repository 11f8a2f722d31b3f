/** What is asked besides requests is answered as the protocol says, with the `ref` of its question; and what is refused, by name. */
import { expect } from "vitest";
import { defineHandler, Fatal, requestKey, type AnyHandler, type HandlerContext } from "@streamer/core";
import type { ClientMessage, ServerMessage } from "@streamer/protocol";
import type { ContractTest, Harness } from "../harness.ts";
import { ALICE, DAY_MS, EVE } from "../samples.ts";
import { anything, startPipeline, type FlowClient, type PipelineParts } from "./pipeline.ts";

const handler = (action: string, run: (input: unknown, ctx: HandlerContext) => unknown, more: Partial<AnyHandler> = {}): AnyHandler =>
  defineHandler({ action, input: anything, estimate: 60_000, retry: { maxAttempts: 1 }, ...more, run });
const work = handler("work", () => "done");
const start = (harness: Harness, handlers: readonly AnyHandler[] = [work], more: Partial<PipelineParts> = {}) =>
  startPipeline({ harness, handlers, ...more });
const ask = (client: FlowClient, id: string, more: Partial<ClientMessage<"request">> = {}): Promise<void> =>
  client.send({ type: "request", id, action: "work", payload: {}, ...more });
const count = (client: FlowClient, type: ServerMessage["type"]): number =>
  client.received.filter((message) => message.type === type).length;

export function questionsContract(test: ContractTest): void {
  test("§4 a ping is answered, by its ref where it has one", async (harness) => {
    const { connect } = await start(harness);
    const client = await connect();
    await client.send({ type: "ping" });
    expect(client.last("pong")).toEqual({ type: "pong", timestamp: harness.clock.now() });
    await client.send({ type: "ping", ref: "p" });
    expect(client.last("pong")).toEqual({ type: "pong", timestamp: harness.clock.now(), ref: "p" });
  });

  test("§4 every question is answered under its ref, and without one where it has none", async (harness) => {
    const { connect, until } = await start(harness);
    const client = await connect();
    await ask(client, "r1");
    await until("done", () => client.last("complete") !== undefined);
    const questions = [
      [{ type: "get", request_id: "r1" }, "snapshot"],
      [{ type: "subscribe", request_id: "r1" }, "snapshot"],
      [{ type: "list" }, "list"],
      [{ type: "actions" }, "actions"],
    ] as const;
    for (const [question, type] of questions) {
      await client.send(question);
      expect(client.last(type)).not.toHaveProperty("ref");
      await client.send({ ...question, ref: `about ${question.type}` });
      expect(client.last(type)).toMatchObject({ ref: `about ${question.type}`, ...(type === "snapshot" && { recovered: true }) });
    }
  });

  test("P10 a list has one's own requests, newest first, page by page, without their results", async (harness) => {
    const { connect, until } = await start(harness, [work, handler("other", () => Promise.reject(new Error("no")))]);
    const client = await connect();
    const eve = await connect(EVE);
    await ask(eve, "of eve");
    for (const id of ["a", "b", "c"]) {
      await ask(client, id);
      await until(`${id} is done`, () => client.last("complete")?.request_id === id);
      await harness.clock.advance(10);
    }
    await ask(client, "d", { action: "other" });
    await until("d has failed", () => client.last("error") !== undefined);
    const listed = async (query: Omit<ClientMessage<"list">, "type"> = {}) => {
      await client.send({ type: "list", ...query });
      const { items, cursor } = client.last("list")!;
      return { ids: items.map(({ request_id: id }) => id), cursor, items };
    };
    const all = await listed();
    expect(all.ids).toEqual(["d", "c", "b", "a"]);
    expect(all.cursor).toBeUndefined();
    expect(all.items.at(-1)).toMatchObject({ status: "COMPLETED", action: "work" });
    for (const item of all.items) for (const member of ["type", "result"]) expect(item).not.toHaveProperty(member);
    expect((await listed({ action: "other" })).ids).toEqual(["d"]);
    expect((await listed({ status: "COMPLETED" })).ids).toEqual(["c", "b", "a"]);
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listed({ limit: 2, ...(cursor !== undefined && { cursor }) });
      expect(page.ids.length).toBeLessThanOrEqual(2);
      ids.push(...page.ids);
      ({ cursor } = page);
    } while (cursor !== undefined);
    expect(ids).toEqual(["d", "c", "b", "a"]);
  });

  test("P6 who unsubscribes is told nothing more, until it subscribes again", async (harness) => {
    const opened = Promise.withResolvers<void>();
    const { connect, until, quiet } = await start(harness, [handler("work", () => opened.promise)]);
    const [client, other] = [await connect(), await connect()];
    await ask(client, "r1");
    await other.send({ type: "subscribe", request_id: "r1" });
    await client.send({ type: "unsubscribe", request_id: "r1" });
    opened.resolve();
    await until("the other is told", () => other.last("complete") !== undefined);
    await quiet();
    expect(client.last("complete")).toBeUndefined();
    await client.send({ type: "subscribe", request_id: "r1", after: 1 });
    await until("told", () => client.last("complete") !== undefined);
  });

  test("P6 a cursor from another store gets what there is, and what comes", async (harness) => {
    const opened = Promise.withResolvers<void>();
    const { connect, until } = await start(harness, [handler("work", () => opened.promise)]);
    const [client, other] = [await connect(), await connect()];
    await ask(client, "r1");
    await other.send({ type: "subscribe", request_id: "r1", after: 1_000 });
    expect(other.last("snapshot")).toMatchObject({ request_id: "r1", recovered: false });
    opened.resolve();
    await until("told", () => other.last("complete") !== undefined);
    expect(other.story("r1").map(({ type }) => type)).not.toContain("acknowledgment");
  });

  test("P14 a connection follows as many requests as it may, and no more", async (harness) => {
    const { connect } = await start(harness, [handler("work", () => new Promise(() => {}))], {
      options: { admission: { subscriptionsPerConnection: 1 } },
    });
    const [client, other] = [await connect(), await connect()];
    for (const id of ["r1", "r2"]) await ask(other, id, { options: { mode: "async", subscribe: false } });
    await client.send({ type: "subscribe", request_id: "r1" });
    expect(client.last("error")).toBeUndefined();
    await client.send({ type: "subscribe", request_id: "r2", ref: "s" });
    expect(client.last("error")).toMatchObject({ ref: "s", request_id: "r2", error: { code: "RATE_LIMITED" } });
    await client.send({ type: "unsubscribe", request_id: "r1" });
    await client.send({ type: "subscribe", request_id: "r2" });
    expect(client.last("snapshot")).toMatchObject({ request_id: "r2" });
  });

  test("P14 P4 what a connection follows already takes no second place, nor does what a death left it following", async (harness) => {
    const { connect } = await start(harness, [handler("work", () => new Promise(() => {}))], {
      options: { admission: { subscriptionsPerConnection: 1 } },
    });
    const [client, other] = [await connect(), await connect()];
    await ask(client, "r1");
    await client.send({ type: "subscribe", request_id: "r1", ref: "s" });
    expect(client.last("snapshot")).toMatchObject({ request_id: "r1", ref: "s" });
    await client.send({ type: "request", id: "r1", action: "work", payload: {}, options: { mode: "async" } });
    expect(client.last("error")).toBeUndefined();
    // The process that was to store it died between the two writes.
    await harness.engine.subscriptions.add(other.end.connectionId, requestKey(ALICE, "r2"));
    await ask(other, "r2");
    expect(other.last("error")).toBeUndefined();
    expect(other.last("acknowledgment")).toMatchObject({ request_id: "r2" });
  });

  test("P14 a request is submitted and retried within that limit, however many come at once", async (harness) => {
    const failing = handler("fail", () => Promise.reject(new Fatal("no")));
    const { connect, quiet, until } = await start(harness, [handler("work", () => new Promise(() => {})), failing], {
      options: { admission: { subscriptionsPerConnection: 2 } },
    });
    const client = await connect();
    await client.send({ type: "request", id: "f1", action: "fail", payload: {}, options: { mode: "async", subscribe: false } });
    await Promise.all(
      ["r1", "r2", "r3", "r4"].map((id) => client.send({ type: "request", id, action: "work", payload: {}, options: { mode: "async" } })),
    );
    await quiet();
    const refused = client.received.filter((message) => message.type === "error");
    expect(refused).toHaveLength(2);
    expect(refused[0]).toMatchObject({
      error: { code: "RATE_LIMITED", message: expect.stringMatching(/follows 2 requests/), retry: { after_ms: 1_000 } },
    });
    expect(await harness.engine.subscriptions.countOf(client.end.connectionId)).toBe(2);
    // Nothing was accepted of it.
    await client.send({ type: "get", request_id: refused[0]!.request_id!, ref: "g" });
    expect(client.last("error")).toMatchObject({ ref: "g", error: { code: "NOT_FOUND" } });
    await client.send({ type: "request", id: "r5", action: "work", payload: {}, options: { mode: "async", subscribe: false } });
    expect(client.last("acknowledgment")).toMatchObject({ request_id: "r5" });
    await client.send({ type: "get", request_id: "f1", ref: "f" });
    await client.send({ type: "retry", request_id: "f1" });
    expect(client.last("error")).toMatchObject({ request_id: "f1", error: { code: "RATE_LIMITED" } });
    const followed = client.received.find((message) => message.type === "acknowledgment" && /r[1-4]/.test(message.request_id));
    await client.send({ type: "cancel", request_id: (followed as ServerMessage<"acknowledgment">).request_id });
    await until("there is room", async () => (await harness.engine.subscriptions.countOf(client.end.connectionId)) < 2);
    await client.send({ type: "retry", request_id: "f1" });
    expect(client.story("f1").find(({ type }) => type === "acknowledgment")).toBeDefined();
  });

  test("P7 past its retention a request is told to have been, and is gone", async (harness) => {
    const { connect, until, streamer } = await start(
      harness,
      [handler("work", async (_, ctx) => (await ctx.blobs.put("a.txt", "hello")).url)],
      { options: { retentionMs: DAY_MS, linkMs: 30 * DAY_MS } },
    );
    const client = await connect();
    await ask(client, "r1");
    await until("done", () => client.last("complete") !== undefined);
    const url = client.last("complete")!.result as string;
    expect((await harness.download(url)).status).toBe(200);
    await harness.clock.advance(2 * DAY_MS);
    for (const type of ["get", "subscribe", "cancel", "retry"] as const) {
      await client.send({ type, request_id: "r1" });
      expect(client.last("error")).toMatchObject({ request_id: "r1", error: { code: "EXPIRED" } });
    }
    expect(await streamer.purge()).toBe(1);
    expect(await streamer.purge()).toBe(0);
    expect((await harness.download(url)).status).not.toBe(200);
  });

  test("P12 an action that there is not, and a payload that its schema refuses, are refused by name", async (harness) => {
    const picky = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: async (value: unknown) => {
          const { rows } = value as { rows?: unknown };
          return rows === undefined ? { issues: [{ message: "is missing", path: ["rows"] }] } : { value: rows };
        },
      },
    } as const;
    let ran: unknown;
    const { connect, until } = await start(harness, [handler("picky", (input) => (ran = input), { input: picky, estimate: 1 })]);
    const client = await connect();
    await ask(client, "r1", { action: "nope" });
    expect(client.last("error")).toMatchObject({
      request_id: "r1",
      error: { code: "INVALID_ACTION", message: expect.stringContaining("picky") },
    });
    await client.send({ type: "request", id: "r2", action: "picky" });
    expect(client.last("error")).toMatchObject({
      request_id: "r2",
      error: { code: "VALIDATION_ERROR", details: { issues: [{ path: ["payload", "rows"], message: "is missing" }] } },
    });
    expect(ran).toBeUndefined();
    await ask(client, "r3", { action: "picky", payload: { rows: 3 } });
    expect(client.last("response")).toMatchObject({ request_id: "r3", success: true, data: 3 });
    // Read again from the store, by the same schema.
    await ask(client, "r4", { action: "picky", payload: { rows: 4 }, options: { mode: "async", delay_ms: 1_000 } });
    await until("done", () => client.last("complete")?.request_id === "r4");
    expect(ran).toBe(4);
  });

  test("§4.1 a request that is to run later starts then, and is not answered at once", async (harness) => {
    const { connect, until, quiet } = await start(harness, [handler("work", () => harness.clock.now(), { estimate: 1 })]);
    const client = await connect();
    for (const later of [{ delay_ms: 5_000 }, { run_at: harness.clock.now() + 5_000 }, { idempotency_key: "k" }]) {
      await ask(client, "sync", { options: { mode: "sync", ...later } });
      expect(client.last("error")).toMatchObject({
        request_id: "sync",
        error: { code: "VALIDATION_ERROR", details: { issues: [{ path: ["options", "mode"], message: expect.any(String) }] } },
      });
    }
    const begun = harness.clock.now();
    await ask(client, "far", { options: { run_at: begun + 400 * DAY_MS } });
    expect(client.last("error")).toMatchObject({
      request_id: "far",
      error: { code: "VALIDATION_ERROR", details: { issues: [{ path: ["options", "run_at"] }] } },
    });
    await ask(client, "at", { options: { run_at: begun + 5_000 } });
    await ask(client, "after", { options: { delay_ms: 5_000 } });
    expect(client.last("acknowledgment")).toMatchObject({
      request_id: "after",
      status: "queued",
      waiting_for: "scheduled",
      until: begun + 5_000,
    });
    await quiet();
    expect(client.last("complete")).toBeUndefined();
    await until("both are done", () => count(client, "complete") === 2);
    for (const id of ["at", "after"]) {
      const { result } = client.story(id).at(-1) as unknown as { result: number };
      expect(result - begun).toBeGreaterThanOrEqual(5_000);
    }
  });

  test("an estimate that fails queues its request, and an id is given to one that comes without", async (harness) => {
    const { connect, until } = await start(harness, [
      handler("work", (_, { request }) => request.id, {
        estimate: () => {
          throw new Error("no rows to count");
        },
      }),
    ]);
    const client = await connect();
    await client.send({ type: "request", action: "work" });
    const { request_id: id } = client.last("acknowledgment")!;
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    await until("done", () => client.last("complete") !== undefined);
    expect(client.last("complete")).toMatchObject({ request_id: id, result: id });
    expect(client.last("response")).toBeUndefined();
  });

  test("P4 what is asked again without wanting to follow it is answered by what there is, once", async (harness) => {
    const opened = Promise.withResolvers<void>();
    const { connect, until, quiet } = await start(harness, [handler("work", () => opened.promise)]);
    const [client, other] = [await connect(ALICE), await connect(ALICE)];
    await ask(client, "r1");
    await ask(other, "r1", { options: { subscribe: false } });
    expect(other.last("snapshot")).toMatchObject({ request_id: "r1", ref: "r1" });
    opened.resolve();
    await until("done", () => client.last("complete") !== undefined);
    await quiet();
    expect(other.story("r1")).toEqual([]);
  });
}
