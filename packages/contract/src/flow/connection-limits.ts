/** What one connection may do: what is over its limits is refused by an answer, and only abuse closes it (P12, P14). */
import { expect } from "vitest";
import { defineHandler, type AnyHandler } from "@streamer/core";
import type { ContractTest, Harness } from "../harness.ts";
import type { FaultyEngine } from "../faults.ts";
import { turnsOfTheLoop } from "../clock.ts";
import { record, submission } from "../samples.ts";
import { anything, startPipeline, type FlowClient, type PipelineParts } from "./pipeline.ts";

function patient(more: Partial<AnyHandler> = {}) {
  const opened = Promise.withResolvers<void>();
  const work = defineHandler({
    action: "work",
    input: anything,
    estimate: 1,
    retry: { maxAttempts: 1 },
    ...more,
    run: () => opened.promise,
  });
  return { work, open: opened.resolve, fail: opened.reject };
}
const start = (harness: Harness, handler: AnyHandler, options: PipelineParts["options"] = {}) =>
  startPipeline({ harness, handlers: [handler], options });
const ask = (client: FlowClient, id: string, options: object = {}): Promise<void> =>
  client.send({ type: "request", id, action: "work", payload: {}, options });
const codes = (client: FlowClient): string[] =>
  client.received.flatMap((message) => (message.type === "error" ? [message.error.code] : []));

/** What the engine was asked to close: API Gateway passes no code on. */
const closedWith = ({ calls }: FaultyEngine): unknown[] =>
  calls.flatMap(({ verb, values }) => (verb === "channel.close" ? [values.slice(0, 2)] : []));

export function connectionLimitsContract(test: ContractTest): void {
  test("P14 answers count as bytes: small questions sent all at once cost no more than large frames", async (harness) => {
    const large = defineHandler({ action: "large", input: anything, estimate: 60_000, run: () => "a".repeat(20_000) });
    const { connect, until, quiet, engine } = await startPipeline({
      harness,
      handlers: [large],
      options: { admission: { bytesPerSecond: 40_000, bytesPerSecondPerUser: 40_000 }, frames: { messageBytes: 1_000 } },
    });
    const client = await connect();
    await client.send({ type: "request", id: "r1", action: "large", payload: {}, options: { subscribe: false } });
    await until(
      "it is done",
      async () =>
        (await engine.requests.get(submission("r1").key)).outcome === "found" &&
        (await record(engine, submission("r1").key)).status === "COMPLETED",
    );
    const before = engine.calls.filter(({ verb }) => verb === "requests.get").length;
    const asked = Array.from({ length: 40 }, (_, n) => client.send({ type: "get", request_id: "r1", ref: `g${n}` }));
    await quiet();
    await Promise.all(asked);
    const snapshots = client.received.filter(({ type }) => type === "snapshot").length;
    // Bursts of twice the rate, and the one that was over it.
    expect(snapshots).toBeGreaterThanOrEqual(3);
    expect(snapshots).toBeLessThanOrEqual(6);
    expect(engine.calls.filter(({ verb }) => verb === "requests.get").length - before).toBe(snapshots);
    expect(codes(client)).toEqual(Array(40 - snapshots).fill("RATE_LIMITED"));
    expect(client.last("error")).toMatchObject({ ref: "g39", error: { retry: { retryable: true, after_ms: expect.any(Number) } } });
    expect(client.end.closed).toBeUndefined();
    await harness.clock.advance(3_000);
    await client.send({ type: "get", request_id: "r1", ref: "later" });
    expect(client.last("snapshot")).toMatchObject({ ref: "later", result: "a".repeat(20_000) });
  });

  test("P12 frames of a connection that nobody let in are not read, and it is closed", async (harness) => {
    const { streamer, engine } = await start(harness, patient().work);
    const end = await harness.connectClient();
    await streamer.receive(end.connectionId, JSON.stringify({ type: "ping" }));
    await streamer.refuseBinary(end.connectionId);
    await turnsOfTheLoop();
    expect(end.received).toEqual([]);
    expect(end.closed).toBeDefined();
    expect(closedWith(engine)).toEqual([1, 2].map(() => [end.connectionId, 1008]));
  });

  test("P12 malformed frames are answered, each under its ref, and too many within a minute close the connection", async (harness) => {
    const { connect, engine } = await start(harness, patient().work, { admission: { refusalsPerMinute: 3 } });
    const [client, other] = [await connect(), await connect()];
    await client.sendText("{");
    expect(client.last("error")).toMatchObject({ error: { code: expect.any(String), retry: { retryable: false } } });
    await client.sendText(JSON.stringify({ type: "get", request_id: 3, ref: "g" }));
    expect(client.last("error")).toMatchObject({ ref: "g" });
    await client.sendText("{");
    expect(codes(client)).toHaveLength(3);
    expect(client.end.closed).toBeUndefined();
    // A third of a minute gives one back.
    await harness.clock.advance(20_000);
    await client.sendText("{");
    expect(client.end.closed).toBeUndefined();
    await client.sendText("{");
    expect(client.end.closed).toBeDefined();
    expect(closedWith(engine)).toEqual([[client.end.connectionId, 1008]]);
    expect(other.end.closed).toBeUndefined();
  });

  test("P14 more messages than a connection may send are refused, and told when to come again", async (harness) => {
    const { connect, engine } = await start(harness, patient().work, { admission: { messagesPerSecond: 2, refusalsPerMinute: 3 } });
    const client = await connect();
    const pings = async (times: number): Promise<number> => {
      const before = client.received.filter(({ type }) => type === "pong").length;
      for (let n = 0; n < times; n += 1) await client.send({ type: "ping", ref: `p${n}` });
      return client.received.filter(({ type }) => type === "pong").length - before;
    };
    expect(await pings(6)).toBe(4);
    expect(client.last("error")).toMatchObject({ ref: "p5", error: { code: "RATE_LIMITED", retry: { retryable: true, after_ms: 500 } } });
    await harness.clock.advance(500);
    expect(await pings(1)).toBe(1);
    expect(client.end.closed).toBeUndefined();
    expect(await pings(2)).toBe(0);
    expect(client.end.closed).toBeDefined();
    expect(closedWith(engine)).toEqual([[client.end.connectionId, 1008]]);
  });

  test("P14 the connections of one user share one rate, and one who comes back finds it as it was left", async (harness) => {
    const admission = { messagesPerSecond: 4, messagesPerSecondPerUser: 6, refusalsPerMinute: 100 };
    const { connect, streamer } = await start(harness, patient().work, { admission });
    const pongs = async (client: FlowClient, times: number): Promise<number> => {
      for (let n = 0; n < times; n += 1) await client.send({ type: "ping", ref: `p${n}` });
      return client.received.filter(({ type }) => type === "pong").length;
    };
    const [first, second] = [await connect(), await connect()];
    expect(await pongs(first, 9)).toBe(8);
    expect(await pongs(second, 9)).toBe(4);
    expect(second.last("error")).toMatchObject({
      ref: "p8",
      error: { code: "RATE_LIMITED", message: expect.stringMatching(/all connections of yours/), retry: { after_ms: 167 } },
    });
    await streamer.disconnect(first.end.connectionId);
    expect(await pongs(await connect(), 1)).toBe(0);
    expect(await pongs(await connect({ tenantId: "other", userId: "bob" }), 1)).toBe(1);
    await harness.clock.advance(1_000);
    expect(await pongs(await connect(), 9)).toBe(6);
  });

  test("P14 bytes are counted like messages; what is over is not parsed, and refused under its ids", async (harness) => {
    const admission = { bytesPerSecond: 10_000, bytesPerSecondPerUser: 20_000 };
    const { connect } = await start(harness, patient().work, { admission, frames: { messageBytes: 20_000 } });
    const [client, second, other] = [await connect(), await connect(), await connect({ tenantId: "other", userId: "bob" })];
    const large = (ref: string): string => JSON.stringify({ type: "get", request_id: "r1", ref, more: "é".repeat(9_000) });
    await client.sendText(large("g1"));
    expect(client.last("error")).toMatchObject({ ref: "g1", error: { code: "NOT_FOUND" } });
    await client.sendText(large("g2"));
    expect(client.last("error")).toMatchObject({
      ref: "g2",
      request_id: "r1",
      error: { code: "RATE_LIMITED", message: expect.stringMatching(/^More than 10000 bytes a second;/), retry: { retryable: true } },
    });
    for (const ref of ["s1", "s2"]) await second.sendText(large(ref));
    await (await connect()).sendText(large("t1"));
    expect(codes(second)).toEqual(["NOT_FOUND", "RATE_LIMITED"]);
    await other.sendText(large("o1"));
    expect(codes(other)).toEqual(["NOT_FOUND"]);
    await harness.clock.advance(client.last("error")!.error.retry!.after_ms!);
    await client.sendText(large("g3"));
    expect(client.last("error")).toMatchObject({ ref: "g3", error: { code: "NOT_FOUND" } });
  });

  test("P12 what is sent behind the frame that cuts a connection off is not dealt with", async (harness) => {
    const runs: string[] = [];
    const work = defineHandler({ action: "work", input: anything, estimate: 1, run: (_, { request }) => void runs.push(request.id) });
    const { connect, quiet, streamer } = await start(harness, work, { admission: { refusalsPerMinute: 3 } });
    const client = await connect();
    const sendBinary = async (): Promise<void> => streamer.refuseBinary(client.end.connectionId);
    const sent = [client.sendText("{"), client.sendText("["), sendBinary(), client.sendText("{"), sendBinary()];
    for (const id of ["r1", "r2"]) sent.push(ask(client, id), ask(client, `${id}-queued`, { mode: "async" }));
    await Promise.all(sent);
    await quiet();
    expect(client.end.closed).toBeDefined();
    expect(codes(client)).toHaveLength(4);
    expect(runs).toEqual([]);
    await ask(client, "r3");
    expect(runs).toEqual([]);
  });

  test("P14 requests that one connection may have answered at once are counted while they run", async (harness) => {
    const { work, open } = patient();
    const { connect, until, quiet } = await start(harness, work, { admission: { inFlightPerConnection: 2 } });
    const [client, other] = [await connect(), await connect()];
    for (const id of ["r1", "r2", "r3"]) void ask(client, id);
    await quiet();
    expect(client.last("error")).toMatchObject({ error: { code: "RATE_LIMITED", retry: { after_ms: 100 } } });
    expect(codes(client)).toHaveLength(1);
    void ask(other, "r4");
    await quiet();
    expect(codes(other)).toEqual([]);
    open();
    await until("all are answered", () => client.received.filter(({ type }) => type === "response").length === 2);
    await ask(client, "r5");
    expect(client.last("response")).toMatchObject({ request_id: "r5", success: true });
    expect(codes(client)).toHaveLength(1);
  });

  test("P14 a retry by hand finds the queue as full as a new request does", async (harness) => {
    const { work, fail } = patient({ estimate: 60_000 });
    const { connect, until, quiet } = await start(harness, work, { inlineSlots: 1, admission: { queued: 1, queuedPerTenant: 5 } });
    const client = await connect();
    await ask(client, "r1");
    await client.send({ type: "retry", request_id: "r1" });
    expect(client.last("error")).toMatchObject({
      error: { code: "VALIDATION_ERROR", message: expect.stringMatching(/only a FAILED request/) },
    });
    fail(new Error("no"));
    await until("it failed", () => client.last("error")?.error.code === "PROCESSING_FAILED");
    await ask(client, "later", { delay_ms: 60_000 });
    await quiet();
    await client.send({ type: "retry", request_id: "r1", reason: "mended" });
    expect(client.last("error")).toMatchObject({ request_id: "r1", error: { code: "RATE_LIMITED", retry: { after_ms: 1_000 } } });
    await client.send({ type: "cancel", request_id: "later" });
    await client.send({ type: "retry", request_id: "r1", reason: "mended" });
    expect(client.story("r1").findLast(({ type }) => type === "acknowledgment")).toMatchObject({ message: "Queued again: mended" });
  });
}
