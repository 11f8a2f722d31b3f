/** The seven functions, called as AWS calls them, each in an environment of its own over the same tables. */
import { generateKeyPairSync } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createVerifier, trust, type TrustedKeys } from "@streamer/auth";
import { createStreamer, defineHandler, requestKey, type AnyHandler, type HandlerContext } from "@streamer/core";
import { createPartJoiner, parseServerMessage, type ServerMessage } from "@streamer/protocol";
import type { ClientEnd } from "@streamer/contract";
import { SignJWT } from "jose";
import { createConnect } from "../src/functions/entry/connect.ts";
import { createDisconnect } from "../src/functions/entry/disconnect.ts";
import { createDispatch } from "../src/functions/entry/dispatch.ts";
import { createMessage } from "../src/functions/entry/message.ts";
import { createSweep } from "../src/functions/entry/sweep.ts";
import { createWake } from "../src/functions/entry/wake.ts";
import { createWork } from "../src/functions/entry/work.ts";
import type { WorkEvent } from "../src/functions/invoke-work.ts";
import { createMetrics } from "../src/functions/metrics.ts";
import { createInvoke, type AnsweringRuntime } from "../src/functions/runtime.ts";
import { createPace } from "../src/pace.ts";
import { connectEvent, contextAt, messageEvent, queueEvent, streamRecord } from "./function-events.ts";
import { createHarness, silent, startCloud, type AwsHarness, type Cloud } from "./harness.ts";

const anything = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as const;
const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const KEY = requestKey({ tenantId: "acme", userId: "alice" }, "r1");

let cloud: Cloud;
let harness: AwsHarness;
let asked: WorkEvent[];
let metrics: string[];
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.stop());
beforeEach(async () => {
  harness = await createHarness(cloud);
  asked = [];
  metrics = [];
});
afterEach(() => harness.dispose());

const handle = (action: string, run: (ctx: HandlerContext) => unknown, more: Partial<AnyHandler> = {}): AnyHandler =>
  defineHandler({ action, input: anything, estimate: 60_000, ...more, run: async (_, ctx) => run(ctx) });

function runtime(handlers: readonly AnyHandler[], inlineSlots: number): AnsweringRuntime {
  let invocationId = "";
  const meter = createMetrics("test", (line) => metrics.push(line));
  const engine = harness.another(() => invocationId, meter);
  const streamer = createStreamer({
    engine,
    handlers,
    options: { ...(inlineSlots === 0 ? { takesQueued: false } : { inlineSlots }), renewMs: 1_000, frames: { messageBytes: 32_768 } },
  });
  const begin = (context: { awsRequestId: string }): void => {
    invocationId = context.awsRequestId;
  };
  return {
    engine,
    streamer,
    pace: createPace({ items: engine.counts, clock: harness.clock, random: Math.random, perSecond: 250 }),
    log: silent,
    metrics: meter,
    invoke: createInvoke({ streamer, log: silent, metrics: meter, clock: harness.clock, begin }),
  };
}

const contextOf = (remainingMs = 29_000) => contextAt(harness.clock, remainingMs);

const token = (claims: object = { sub: "alice", tenant_id: "acme" }, inMs = 3_600_000): Promise<string> =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg: "EdDSA" })
    .setExpirationTime(Math.floor((harness.clock.now() + inMs) / 1_000))
    .sign(privateKey);

const ownKey = { publicKey: publicKey.export({ type: "spki", format: "pem" }).toString() };
const connect = (keys: TrustedKeys = ownKey) =>
  createConnect({
    authenticate: createVerifier(trust(keys, { clock: harness.clock, log: silent }), {}, { clock: harness.clock, log: silent }),
    connections: harness.engine.connections,
    places: harness.engine.places,
    connectionsPerUser: 256,
    delayQueue: harness.engine.delayQueue,
    allowedOrigins: ["https://app.test"],
    now: () => harness.clock.now(),
  });

/** What the functions wrote for CloudWatch, summed. */
const counted = (name: string): number =>
  metrics.reduce((sum, line) => {
    const value = (JSON.parse(line) as Record<string, number | number[] | undefined>)[name];
    return sum + [value ?? 0].flat().reduce((total, one) => total + one, 0);
  }, 0);

const messages = (client: ClientEnd): readonly ServerMessage[] => {
  const joiner = createPartJoiner();
  const read = (text: string): readonly ServerMessage[] => {
    const parsed = parseServerMessage(text);
    if (!parsed.ok) throw new Error(text.slice(0, 200));
    if (parsed.message.type !== "part") return [parsed.message];
    const whole = joiner.join(parsed.message);
    return whole === undefined ? [] : read(whole);
  };
  return client.received.flatMap(read);
};
const types = (client: ClientEnd): string[] =>
  messages(client)
    .map(({ type }) => type)
    .filter((type) => type !== "progress");

async function connected(): Promise<ClientEnd> {
  const client = await harness.connectClient();
  const event = connectEvent(client.connectionId, { headers: { Authorization: `Bearer ${await token()}` } });
  expect(await connect()(event)).toMatchObject({ statusCode: 200 });
  return client;
}
const invokeWork = async (event: WorkEvent): Promise<void> => void asked.push(event);
const say = (handlers: readonly AnyHandler[], client: ClientEnd, body: object | string) =>
  createMessage(runtime(handlers, 0))(
    messageEvent(client.connectionId, typeof body === "string" ? body : JSON.stringify(body)),
    contextOf(),
  );
const request = { type: "request", id: "r1", action: "work", payload: {} };

describe("connect", () => {
  it("§2.1 §2.2 takes a token from header, subprotocol or query, and selects the subprotocol that was offered", async () => {
    const jwt = await token();
    for (const [n, more] of [
      { headers: { authorization: `Bearer ${jwt}` } },
      { headers: { "Sec-WebSocket-Protocol": `streamer.v1, bearer.${jwt}` } },
      { queryStringParameters: { token: jwt } },
    ].entries()) {
      const answer = await connect()(connectEvent(`c${n}`, more));
      const offered = "Sec-WebSocket-Protocol" in (more.headers ?? {});
      expect(answer).toEqual({ statusCode: 200, ...(offered && { headers: { "Sec-WebSocket-Protocol": "streamer.v1" } }) });
      expect(await harness.engine.connections.get(`c${n}`)).toMatchObject({ owner: { tenantId: "acme", userId: "alice" } });
    }
  });

  it("§2.2 refuses a foreign origin, and takes one that is allowed", async () => {
    const authorization = `Bearer ${await token()}`;
    const from = (origin: string) => connect()(connectEvent("c1", { headers: { authorization, origin } }));
    expect(await from("https://evil.test")).toEqual({ statusCode: 403 });
    expect(await harness.engine.connections.get("c1")).toBeUndefined();
    expect(await from("https://app.test")).toMatchObject({ statusCode: 200 });
  });

  it("§2.2 P12 explains a bad token at the first message, and ends the connection", async () => {
    const client = await harness.connectClient();
    await connect()(connectEvent(client.connectionId, { headers: { authorization: "Bearer nonsense" } }));
    expect(await harness.engine.connections.get(client.connectionId)).toBeUndefined();
    await say([handle("work", () => 1)], client, request);
    expect(messages(client)).toMatchObject([{ type: "error", error: { code: "UNAUTHORIZED" } }]);
    expect(client.closed).toBeDefined();
    expect(await harness.engine.requests.get(KEY)).toEqual({ outcome: "unknown" });
  });

  it("§2.2 tells an outage of the key set as one, and not as a bad token", async () => {
    const client = await harness.connectClient();
    const behindAnOutage = connect({ jwks: "http://127.0.0.1:1/" });
    await behindAnOutage(connectEvent(client.connectionId, { headers: { authorization: `Bearer ${await token()}` } }));
    await say([handle("work", () => 1)], client, request);
    expect(messages(client)).toMatchObject([
      { type: "error", error: { code: "SERVICE_UNAVAILABLE", retry: { retryable: true, after_ms: 2_000 } } },
    ]);
    expect(client.closed).toBeDefined();
  });

  it("§2.2 a connection ends when its token does, to the second, whether it speaks or not", async () => {
    const client = await harness.connectClient();
    await connect()(connectEvent(client.connectionId, { headers: { authorization: `Bearer ${await token({ sub: "alice" }, 600_000)}` } }));
    const { engine, streamer, ...rest } = runtime([handle("work", () => 1)], 0);
    const sweep = createSweep({ engine, streamer, ...rest }, invokeWork);
    await harness.clock.advance(540_000);
    await sweep({}, contextOf(60_000));
    const expiresAt = (await engine.connections.caller(client.connectionId))!.connection.expiresAt!;
    await harness.clock.advance(expiresAt - harness.clock.now() + 1_000);
    expect(harness.expired).toEqual([client.connectionId]);
    const wake = createWake({ engine, streamer, ...rest }, invokeWork);
    await wake(queueEvent({ kind: "expire", connectionId: client.connectionId }), contextOf());
    expect(messages(client)).toMatchObject([{ type: "error", error: { code: "UNAUTHORIZED" } }]);
    expect(client.closed).toBeDefined();
  });
});

describe("message", () => {
  it("§2.3 greets at the first message, once, and answers after it", async () => {
    const client = await connected();
    await say([handle("work", () => 1)], client, { type: "ping", ref: "a" });
    await say([handle("work", () => 1)], client, { type: "ping", ref: "b" });
    expect(types(client)).toEqual(["welcome", "pong", "pong"]);
    expect(messages(client)[0]).toMatchObject({ limits: { message_bytes: 32_768 } });
  });

  it("P12 answers what is no message, and a frame from a connection nobody knows ends it", async () => {
    const client = await connected();
    const handlers = [handle("work", () => 1)];
    await say(handlers, client, "{");
    await createMessage(runtime(handlers, 0))(messageEvent(client.connectionId, "AAEC", true), contextOf());
    expect(types(client)).toEqual(["welcome", "error", "error"]);
    const stranger = await harness.connectClient();
    expect(await say(handlers, stranger, request)).toEqual({ statusCode: 410 });
    expect(stranger.closed).toBeDefined();
  });

  it("§5.3 answers a short request at once, and leaves nothing behind", async () => {
    const client = await connected();
    await say([handle("work", () => ({ four: 4 }), { estimate: 5 })], client, request);
    expect(messages(client).at(-1)).toMatchObject({ type: "response", success: true, data: { four: 4 } });
  });

  it("P1 P2 a sync run that outlives the function is promoted, handed back, and goes on in the work function", async () => {
    const client = await connected();
    let runs = 0;
    const slow = handle(
      "work",
      (ctx) => {
        runs += 1;
        if (runs > 1) return "at last";
        return new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error)));
      },
      { estimate: 5 },
    );
    const answered = createMessage(runtime([slow], 0))(messageEvent(client.connectionId, JSON.stringify(request)), contextOf(29_000));
    for (let n = 0; n < 30; n += 1) await harness.clock.advance(1_000);
    expect(await answered).toEqual({ statusCode: 200 });
    expect(await harness.engine.requests.get(KEY)).toMatchObject({ record: { status: "PENDING" } });
    await createWork(runtime([slow], 1))({ key: KEY }, contextOf(900_000));
    expect(types(client)).toEqual(["welcome", "acknowledgment", "complete"]);
  });

  it("P12 a result larger than a push arrives in parts that a client joins", async () => {
    const client = await connected();
    const large = 'é"\\'.repeat(100_000);
    const handlers = [handle("work", () => ({ large }))];
    await say(handlers, client, request);
    await createWork(runtime(handlers, 1))({ key: KEY }, contextOf(900_000));
    expect(client.received.length).toBeGreaterThan(10);
    for (const text of client.received) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(32_768);
    expect(messages(client).at(-1)).toMatchObject({ type: "complete", result: { large } });
    await say(handlers, client, { type: "get", request_id: "r1" });
    expect(messages(client).at(-1)).toMatchObject({ type: "snapshot", result: { large } });
  });
});

describe("dispatch", () => {
  const image = { key: { S: KEY } };
  it("hands each record to the work function, and reports the one it could not", async () => {
    const dispatch = createDispatch(async (event) => {
      if (asked.push(event) === 2) throw new Error("too many");
    }, silent);
    const answer = await dispatch({ Records: ["1", "2", "3"].map((sequence) => streamRecord(sequence, image)) });
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: "2" }] });
    expect(asked).toEqual([{ key: KEY }, { key: KEY }, { key: KEY }]);
  });

  it("P12 reports a poison record, and hands over the others", async () => {
    const answer = await createDispatch(invokeWork, silent)({ Records: [streamRecord("1", undefined), streamRecord("2", image)] });
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: "1" }] });
    expect(asked).toEqual([{ key: KEY }]);
  });
});

describe("work", () => {
  it("P3 the same record many times, at once, is one run", async () => {
    const client = await connected();
    let runs = 0;
    const handlers = [handle("work", () => (runs += 1))];
    await say(handlers, client, request);
    await Promise.all(Array.from({ length: 8 }, () => createWork(runtime(handlers, 1))({ key: KEY }, contextOf(900_000))));
    expect(runs).toBe(1);
    expect(types(client)).toEqual(["welcome", "acknowledgment", "complete"]);
    expect([counted("Requests"), counted("Completed"), counted("DeadLetters")]).toEqual([1, 1, 0]);
  });

  it("P14 goes on with what waited for its slot, the most urgent first", async () => {
    const client = await connected();
    const order: string[] = [];
    const handlers = [handle("work", (ctx) => order.push(ctx.request.id), { concurrency: { total: 1 } })];
    for (const [id, priority] of Object.entries({ low: 1, high: 9, middle: 5 })) {
      await say(handlers, client, { ...request, id, options: { priority } });
    }
    await createWork(runtime(handlers, 1))({ key: requestKey({ tenantId: "acme", userId: "alice" }, "low") }, contextOf(900_000));
    expect(order).toEqual(["low", "high", "middle"]);
  });

  const endless = (checkpoints: boolean, seen: unknown[]): AnyHandler =>
    handle("work", async (ctx) => {
      seen.push(ctx.resumed);
      if (checkpoints) await ctx.checkpoint(seen.length);
      if (seen.length === 3) return "done";
      return new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error)));
    });

  it("P2 a run longer than the function goes on from its checkpoint in another invocation", async () => {
    const client = await connected();
    const seen: unknown[] = [];
    const handlers = [endless(true, seen)];
    await say(handlers, client, request);
    for (let n = 0; n < 3; n += 1) {
      const ended = createWork(runtime(handlers, 1))({ key: KEY }, contextOf(100_000));
      await harness.clock.advance(90_000);
      await ended;
    }
    expect(seen).toEqual([undefined, 1, 2]);
    expect(types(client).filter((type) => type !== "welcome")).toEqual(["acknowledgment", "complete"]);
  });

  it("P2 one that saves no checkpoint has used up its time, and does not begin anew for ever", async () => {
    const client = await connected();
    const seen: unknown[] = [];
    const handlers = [handle("work", (ctx) => endless(false, seen).run({}, ctx), { retry: { maxAttempts: 2, baseMs: 1, capMs: 1 } })];
    await say(handlers, client, request);
    for (let n = 0; n < 2; n += 1) {
      const ended = createWork(runtime(handlers, 1))({ key: KEY }, contextOf(100_000));
      await harness.clock.advance(90_000);
      await ended;
    }
    const timedOut = { code: "TIMEOUT", message: expect.stringContaining("ctx.checkpoint") };
    expect(messages(client).at(-1)).toMatchObject({ type: "error", error: timedOut });
    expect([counted("Retried"), counted("Failed"), counted("DeadLetters")]).toEqual([1, 1, 1]);
  });

  it("P11 a connection that is gone mid-progress is forgotten, and the run goes on", async () => {
    const client = await connected();
    const handlers = [
      handle("work", async (ctx) => {
        await ctx.partial("rows", 1);
        client.vanish();
        await ctx.partial("rows", 2);
        return "done";
      }),
    ];
    await say(handlers, client, request);
    await createWork(runtime(handlers, 1))({ key: KEY }, contextOf(900_000));
    expect(await harness.engine.requests.get(KEY)).toMatchObject({ record: { status: "COMPLETED" } });
    expect(await harness.engine.connections.get(client.connectionId)).toBeUndefined();
    expect(counted("PushGone")).toBeGreaterThan(0);
  });

  it("P11 pushes that are throttled are sent again", async () => {
    const client = await connected();
    const handlers = [handle("work", () => "done")];
    await say(handlers, client, request);
    cloud.api.throttle(2);
    await createWork(runtime(handlers, 1))({ key: KEY }, contextOf(900_000));
    expect(types(client).at(-1)).toBe("complete");
    expect(counted("PushThrottled")).toBe(2);
  });
});

describe("wake and sweep", () => {
  it("P9 asks for the run of a request whose time has come; a message that means nothing is reported", async () => {
    const wake = createWake(runtime([handle("work", () => 1)], 0), invokeWork);
    const answer = await wake(queueEvent({ kind: "run", key: KEY }, "{", { kind: "dance" }), contextOf());
    expect(asked).toEqual([{ key: KEY }]);
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: "message-1" }, { itemIdentifier: "message-2" }] });
  });

  it("P2 P3 a work function that died gives its request back at once, with one crash more", async () => {
    const client = await connected();
    const handlers = [handle("work", () => new Promise(() => undefined))];
    await say(handlers, client, request);
    const context = contextOf(900_000);
    void createWork(runtime(handlers, 1))({ key: KEY }, context);
    await harness.clock.advance(2_000);
    expect(await harness.engine.requests.get(KEY)).toMatchObject({ record: { status: "PROCESSING" } });
    // What Lambda sends when it has killed an invocation.
    const died = { requestContext: { requestId: context.awsRequestId, condition: "RetriesExhausted" }, requestPayload: { key: KEY } };
    const wake = createWake(runtime(handlers, 0), invokeWork);
    harness.clock.restart();
    await wake(queueEvent({ ...died, requestContext: { ...died.requestContext, requestId: "another" } }), contextOf());
    expect(await harness.engine.requests.get(KEY)).toMatchObject({ record: { status: "PROCESSING" } });
    await wake(queueEvent(died), contextOf());
    expect(await harness.engine.requests.get(KEY)).toMatchObject({ record: { status: "PENDING", attempt: 1 } });
    expect(counted("Recovered")).toBe(1);
  });

  it("tells who waits why: a limit that holds it when it is asked for, no worker after a minute, each once", async () => {
    const client = await connected();
    const opened = Promise.withResolvers<void>();
    const handlers = [handle("work", () => opened.promise, { concurrency: { total: 1 } }), handle("other", () => 1)];
    const keyOf = (id: string) => requestKey({ tenantId: "acme", userId: "alice" }, id);
    await say(handlers, client, request);
    const done = createWork(runtime(handlers, 1))({ key: KEY }, contextOf(900_000));
    await say(handlers, client, { ...request, id: "scheduled", options: { delay_ms: 1_000 } });
    await say(handlers, client, { ...request, id: "alone", action: "other" });
    await harness.clock.advance(1_000);
    const told = () => messages(client).flatMap((message) => (message.type === "waiting" ? [[message.request_id, message.reason]] : []));
    for (let times = 0; times < 2; times += 1) await createWork(runtime(handlers, 1))({ key: keyOf("scheduled") }, contextOf(900_000));
    expect(told()).toEqual([["scheduled", "action_concurrency"]]);
    await harness.clock.advance(60_000);
    const sweep = createSweep(runtime(handlers, 0), invokeWork);
    for (let times = 0; times < 2; times += 1) await sweep({}, contextOf(60_000));
    expect(told()).toEqual([
      ["scheduled", "action_concurrency"],
      ["alone", "no_worker"],
    ]);
    opened.resolve();
    await done;
    expect(types(client).filter((type) => type === "complete")).toHaveLength(3);
  });

  it("P2 P9 the sweep recovers, looks ahead, asks again for what was lost, and forgets what is past", async () => {
    const client = await connected();
    const handlers = [handle("work", () => new Promise(() => undefined)), handle("done", () => "done")];
    const keyOf = (id: string) => requestKey({ tenantId: "acme", userId: "alice" }, id);
    await say(handlers, client, { ...request, id: "past", action: "done" });
    await createWork(runtime(handlers, 1))({ key: keyOf("past") }, contextOf(900_000));
    await say(handlers, client, { ...request, id: "dead" });
    void createWork(runtime(handlers, 1))({ key: keyOf("dead") }, contextOf(900_000));
    await harness.clock.advance(1_000);
    await say(handlers, client, { ...request, id: "lost" });
    await say(handlers, client, { ...request, id: "soon", options: { delay_ms: 1_200_000 } });
    await harness.clock.advance(1_000);
    harness.clock.restart();
    const sweep = createSweep(runtime(handlers, 0), invokeWork);
    await harness.clock.advance(1_130_000);
    await sweep({}, contextOf(60_000));
    expect(await harness.engine.requests.get(keyOf("dead"))).toMatchObject({ record: { status: "PENDING" } });
    expect(asked).toContainEqual({ key: keyOf("lost") });
    expect(asked).not.toContainEqual({ key: keyOf("soon") });
    expect(harness.delayed).toContainEqual({ kind: "run", key: keyOf("soon") });
    await harness.clock.advance(8 * 86_400_000);
    await sweep({}, contextOf(60_000));
    expect(await harness.engine.requests.get(keyOf("past"))).toEqual({ outcome: "expired" });
  });
});

it("disconnect forgets the connection and what it followed", async () => {
  const client = await connected();
  await say([handle("work", () => 1)], client, request);
  const { connections, subscriptions } = harness.engine;
  expect(await subscriptions.has(client.connectionId, KEY)).toBe(true);
  await createDisconnect({ connections, subscriptions })(messageEvent(client.connectionId, ""));
  expect(await connections.get(client.connectionId)).toBeUndefined();
  expect(await subscriptions.has(client.connectionId, KEY)).toBe(false);
});
