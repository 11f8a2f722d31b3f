/**
 * Several processes and one connection: functions that submit, run, cancel and replay, each in an environment of its own,
 * all able to push to the same client at any moment. What reaches it is one story, in order (P5, P6, P8).
 */
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { createStreamer, defineHandler, requestKey, type AnyHandler, type HandlerContext, type Owner, type Streamer } from "@streamer/core";
import { FAILED, claimed, created } from "@streamer/contract/samples";
import { parseServerMessage, type ServerMessage } from "@streamer/protocol";
import type { ClientEnd } from "@streamer/contract";
import { HOLD_MS } from "../src/subscriptions.ts";
import { createHarness, startCloud, type AwsHarness, type Cloud } from "./harness.ts";

const ALICE: Owner = { tenantId: "acme", userId: "alice" };
const KEY = requestKey(ALICE, "r1");
const anything = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as const;

let cloud: Cloud;
let harness: AwsHarness;
let processes = 0;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.stop());
beforeEach(async () => {
  harness = await createHarness(cloud);
});
afterEach(() => harness.dispose());

const work = (run: (ctx: HandlerContext) => unknown): AnyHandler =>
  defineHandler({ action: "work", input: anything, estimate: 60_000, run: async (_, ctx) => run(ctx) });

/** A function's environment. */
function start(handler: AnyHandler, inlineSlots: number): Streamer {
  processes += 1;
  return createStreamer({
    engine: harness.another(`p${processes}`),
    handlers: [handler],
    options: { ...(inlineSlots === 0 ? { takesQueued: false } : { inlineSlots }), renewMs: 1_000 },
  });
}

async function connect(): Promise<ClientEnd> {
  const end = await harness.connectClient();
  await harness.engine.connections.open({
    connectionId: end.connectionId,
    owner: ALICE,
    permissions: [],
    connectedAt: harness.clock.now(),
  });
  return end;
}

const story = (end: ClientEnd): readonly (ServerMessage & { seq: number })[] =>
  end.received.flatMap((text) => {
    const parsed = parseServerMessage(text);
    if (!parsed.ok) throw new Error(text);
    return "seq" in parsed.message && parsed.message.seq !== undefined && parsed.message.type !== "snapshot"
      ? [parsed.message as ServerMessage & { seq: number }]
      : [];
  });
const types = (end: ClientEnd): string[] =>
  story(end)
    .map(({ type }) => type)
    .filter((type) => type !== "progress");
const seqs = (end: ClientEnd): number[] => story(end).map(({ seq }) => seq);
const rising = (values: readonly number[]): number[] => [...new Set(values)].toSorted((a, b) => a - b);
const send = async (streamer: Streamer, end: ClientEnd, message: object): Promise<void> =>
  streamer.receive(end.connectionId, JSON.stringify(message));
const request = { type: "request", id: "r1", action: "work", payload: {} };

async function until(condition: () => boolean): Promise<void> {
  for (let steps = 0; steps < 400 && !condition(); steps += 1) await harness.clock.advance(100);
  expect(condition()).toBe(true);
}

it("P5 a run that begins before its acknowledgment has left says nothing until it has", async () => {
  const handler = work(async (ctx) => {
    for (let n = 0; n < 5; n += 1) await ctx.partial("rows", n);
    return "done";
  });
  const [router, worker] = [start(handler, 0), start(handler, 1)];
  const client = await connect();
  await send(router, client, request);
  const { ended } = await worker.work(KEY);
  await ended;
  expect(types(client)).toEqual(["acknowledgment"]);
  await worker.handOver();
  await router.handOver();
  expect(types(client)).toEqual(["acknowledgment", "partial", "partial", "partial", "partial", "partial", "complete"]);
  expect(seqs(client)).toEqual(rising(seqs(client)));
  expect(await harness.engine.subscriptions.has(client.connectionId, KEY)).toBe(false);
});

it("P6 who subscribes while another process runs it hears everything once, in order", async () => {
  const go = Promise.withResolvers<void>();
  const handler = work(async (ctx) => {
    for (let n = 0; n < 10; n += 1) await ctx.partial("rows", n);
    await go.promise;
    for (let n = 10; n < 20; n += 1) await ctx.partial("rows", n);
    return "done";
  });
  const [router, worker, reader] = [start(handler, 0), start(handler, 1), start(handler, 0)];
  const [first, second] = [await connect(), await connect()];
  await send(router, first, request);
  await router.handOver();
  const { ended } = await worker.work(KEY);
  await until(() => types(first).length === 11);
  await send(reader, second, { type: "subscribe", request_id: "r1", after: 4 });
  go.resolve();
  await ended;
  await reader.handOver();
  await worker.handOver();
  expect(types(first)).toHaveLength(22);
  expect(types(second)).toEqual(types(first).slice(4));
  for (const client of [first, second]) expect(seqs(client)).toEqual(rising(seqs(client)));
});

it("P8 a cancellation asked for in another process reaches a silent run within its renewal, and its receipts are in order", async () => {
  const handler = work(
    (ctx) => new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error))),
  );
  const [router, worker, canceller] = [start(handler, 0), start(handler, 1), start(handler, 0)];
  const [client, other] = [await connect(), await connect()];
  await send(router, client, request);
  await router.handOver();
  const { ended } = await worker.work(KEY);
  // Its first word makes the worker the one that tells the client.
  await harness.clock.advance(1_500);
  const askedAt = harness.clock.now();
  await send(canceller, other, { type: "cancel", request_id: "r1" });
  await canceller.handOver();
  await until(() => types(client).includes("error"));
  await ended;
  expect(harness.clock.now() - askedAt).toBeLessThanOrEqual(1_500);
  await worker.handOver();
  const stages = story(client).flatMap((message) => (message.type === "cancellation" ? [message.stage] : []));
  expect(stages).toEqual(["requested", "observed", "stopped"]);
  expect(seqs(client)).toEqual(rising(seqs(client)));
  expect(other.received).toHaveLength(1);
});

it("P3 a run whose lease another process has taken writes nothing, and is told to stop", async () => {
  const reasons: unknown[] = [];
  let runs = 0;
  const handler = work((ctx) => {
    runs += 1;
    if (runs > 1) return "second";
    return new Promise((_resolve, reject) =>
      ctx.signal.addEventListener("abort", () => {
        reasons.push((ctx.signal.reason as { reason: string }).reason);
        reject(ctx.signal.reason as Error);
      }),
    );
  });
  const router = start(handler, 0);
  const client = await connect();
  await send(router, client, request);
  await router.handOver();
  const frozen = start(handler, 1);
  const { ended } = await frozen.work(KEY);
  await vi.waitFor(() => expect(runs).toBe(1));
  // Frozen: its timers stand still while time passes for everybody else.
  harness.clock.restart();
  await harness.clock.advance(31_000);
  const alive = start(handler, 1);
  await alive.recover();
  await (
    await alive.work(KEY)
  ).ended;
  await alive.handOver();
  expect(types(client).at(-1)).toBe("complete");
  // Thawed at last, it tries to cancel what is no longer its own.
  await frozen.handBack(1_000, { requireCheckpoint: false });
  await ended;
  const lookup = await harness.engine.requests.get(KEY);
  expect(lookup).toMatchObject({ outcome: "found", record: { status: "COMPLETED", result: "second", attempt: 2 } });
});

it("P5 what a process that died had to tell is told by the next one, once its hold is over", async () => {
  const handler = work(async (ctx) => {
    await ctx.partial("rows", 1);
    return "done";
  });
  const router = start(handler, 0);
  const client = await connect();
  await send(router, client, request);
  // The router dies here: it never hands over.
  const worker = start(handler, 1);
  await (
    await worker.work(KEY)
  ).ended;
  await worker.handOver();
  expect(types(client)).toEqual(["acknowledgment"]);
  await harness.clock.advance(HOLD_MS + 1_000);
  const next = start(handler, 0);
  await next.catchUp(KEY);
  await next.handOver();
  const heard = story(client).map(({ seq, type }) => `${seq} ${type}`);
  expect([...new Set(heard)].filter((entry) => !entry.includes("progress"))).toEqual(["1 acknowledgment", "2 partial", "4 complete"]);
  expect(await harness.engine.subscriptions.has(client.connectionId, KEY)).toBe(false);
});

it("P2 P5 P6 whatever processes come, go and die, the client's story is whole, once its repeats are passed over", async () => {
  const step = fc.record({
    who: fc.nat(3),
    what: fc.constantFrom("write", "write", "write", "handOver", "follow", "catchUp", "die", "wait"),
  });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      round += 1;
      const id = `r${round}`;
      const key = requestKey(ALICE, id);
      const handler = work(() => "done");
      const open = Promise.withResolvers<void>();
      const writer = defineHandler({ action: "open", input: anything, estimate: 60_000, run: () => open.promise });
      const make = (): Streamer => {
        processes += 1;
        return createStreamer({ engine: harness.another(`p${processes}`), handlers: [handler, writer], options: { takesQueued: false } });
      };
      const others = [make(), make(), make(), make()];
      const client = await connect();
      await send(others[0]!, client, { ...request, id, action: "open" });
      const lease = (
        await harness.engine.requests.claim({ leaseMs: 3_600_000, key, lanes: [{ actions: ["open"], free: 1 }], concurrency: {} })
      )[0]!.lease;
      const runsOut = steps.some(({ what }) => what === "die" || what === "wait");
      for (const [n, { who, what }] of steps.entries()) {
        const streamer = others[who]!;
        if (what === "write") {
          await harness.engine.requests.advance(lease, {
            events: [{ type: "partial", stream: "s", index: n, data: n }],
            leaseMs: 3_600_000,
          });
          await streamer.catchUp(key);
        } else if (what === "handOver") await streamer.handOver();
        else if (what === "catchUp") await streamer.catchUp(key);
        else if (what === "wait") await harness.clock.advance(HOLD_MS / 3);
        else if (what === "follow") await send(streamer, client, { type: "subscribe", request_id: id, after: seqs(client).at(-1) ?? 0 });
        else others[who] = make();
      }
      await harness.engine.requests.settle(lease, {
        status: "COMPLETED",
        events: [{ type: "complete", metadata: { attempts: 1, queue_ms: 0, run_ms: 1 } }],
        runMs: 1,
      });
      // A hold that runs out is taken for a death, and what was told under it may be told again.
      if (runsOut) await harness.clock.advance(HOLD_MS + 1);
      for (const streamer of others) await streamer.catchUp(key);
      for (const streamer of others) await streamer.handOver();
      const stored = (await harness.engine.events.after(key, 0, 1_000)).map(({ seq }) => seq);
      const heard = story(client).flatMap((message) => ("request_id" in message && message.request_id === id ? [message.seq] : []));
      // A client passes over what is not above the last it has seen: what is left has to be everything.
      const kept = heard.filter((seq, at) => heard.slice(0, at).every((before) => before < seq));
      expect(kept).toEqual(stored);
      // Without that, and without a client that asks anew, nothing comes twice.
      const mayRepeat = runsOut || steps.some(({ what }) => what === "follow");
      expect(mayRepeat ? kept : heard).toEqual(stored);
      open.resolve();
    }),
    { numRuns: 30 },
  );
});

it("P6 a process that takes its subscription back leaves it to another that was asked for it at the same time", async () => {
  const [one, other] = [harness.another("one").subscriptions, harness.another("other").subscriptions];
  expect(await one.add("c1", KEY)).toBe(true);
  await one.remove("c1", KEY);
  expect(await other.has("c1", KEY)).toBe(false);
  expect(await one.add("c1", KEY)).toBe(true);
  expect(await other.add("c1", KEY)).toBe(0);
  await one.remove("c1", KEY);
  expect(await other.has("c1", KEY)).toBe(true);
  expect(await one.add("c1", KEY)).toBe(0);
  await one.remove("c1", KEY);
  expect(await other.of(KEY)).toEqual([{ connectionId: "c1", after: 0 }]);
  // One that has not made it is asked to end it.
  await one.remove("c1", KEY);
  expect(await other.has("c1", KEY)).toBe(false);
});

it("P6 a follower of a request that ended, and was retried by hand before it was handed over, follows it still", async () => {
  const [one, two] = [harness.another("one"), harness.another("two")];
  await created(harness.engine, "r1");
  const { lease } = await claimed(harness.engine, KEY);
  await harness.engine.requests.settle(lease, FAILED);
  const { record } = (await two.requests.get(KEY)) as { readonly record: { readonly seq: number } };
  await two.subscriptions.add("c1", KEY);
  expect(await one.subscriptions.endFollowing(KEY)).toEqual({ dropped: [], left: 1 });
  const acknowledgment = { type: "acknowledgment", status: "queued", message: "again" } as const;
  expect(await two.requests.redrive(KEY, acknowledgment)).toMatchObject({ outcome: "redriven" });
  while (!(await two.subscriptions.handOver("c1", KEY, record.seq + 1)));
  expect(await one.subscriptions.of(KEY)).toEqual([{ connectionId: "c1", after: record.seq + 1 }]);
});
