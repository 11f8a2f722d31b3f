/**
 * Every end is told to whoever follows, whatever dies or is refused between the write and the telling (P2, P5, P6): the
 * sweep finds what was not, and the report of a dead invocation brings it at once.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { created, ALICE } from "@streamer/contract/samples";
import type { ClientEnd } from "@streamer/contract";
import { createStreamer, defineHandler, requestKey, type Engine, type Streamer } from "@streamer/core";
import { createSweep } from "../src/functions/entry/sweep.ts";
import { createWake } from "../src/functions/entry/wake.ts";
import { createMetrics } from "../src/functions/metrics.ts";
import { createInvoke, type Runtime } from "../src/functions/runtime.ts";
import { contextAt, queueEvent } from "./function-events.ts";
import { createHarness, silent, startCloud, type AwsHarness, type Cloud } from "./harness.ts";

const anything = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as const;
const handlers = [defineHandler({ action: "work", input: anything, estimate: 60_000, run: async () => "done" })];
const keyOf = (id: string) => requestKey(ALICE, id);

let cloud: Cloud;
let harness: AwsHarness;
let client: ClientEnd;
let processes = 0;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.stop());
beforeEach(async () => {
  harness = await createHarness(cloud);
  client = await harness.connectClient();
  const { connectionId } = client;
  await harness.engine.connections.open({ connectionId, owner: ALICE, permissions: [], connectedAt: harness.clock.now() });
});
afterEach(() => harness.dispose());

type Wrap = (engine: Engine) => Partial<Engine>;

function start(slots: number, wrap: Wrap = () => ({})): Runtime & { readonly id: string } {
  processes += 1;
  const id = `told-${processes}`;
  const engine = harness.another(id);
  const streamer = createStreamer({ engine: { ...engine, ...wrap(engine) }, handlers, options: { inlineSlots: slots } });
  const metrics = createMetrics("test", () => {});
  const invoke = createInvoke({ streamer, log: silent, metrics, clock: harness.clock, begin: () => {} });
  return { id, engine, streamer, log: silent, metrics, invoke };
}

const send = (streamer: Streamer, message: object) => streamer.receive(client.connectionId, JSON.stringify(message));
const ask = async (id: string): Promise<void> => {
  const { streamer } = start(0);
  await send(streamer, { type: "request", id, action: "work", payload: {} });
  await streamer.handOver();
};
/** What the client heard of each request, without the progress. */
const heard = (id: string): string[] =>
  client.received.flatMap((text) => {
    const message = JSON.parse(text) as { readonly request_id?: string; readonly type: string; readonly seq?: number };
    return message.request_id === id && message.seq !== undefined && message.type !== "progress" ? [message.type] : [];
  });

async function sweeps(minutes: number): Promise<void> {
  const runtime = start(0);
  const sweep = createSweep(runtime, async () => {});
  for (let minute = 0; minute < minutes; minute += 1) {
    await sweep({}, contextAt(harness.clock, 55_000));
    await harness.clock.advance(60_000);
  }
}

const never = new Promise<never>(() => {});
/** Dies, as far as anybody can see, once the end of a request is written. */
const diesAfterTheEnd: Wrap = ({ requests, subscriptions }) => {
  let isDead = false;
  const orNever =
    <A extends readonly unknown[], R>(call: (...given: A) => Promise<R>) =>
    (...given: A): Promise<R> =>
      isDead ? never : call(...given);
  const dies =
    <A extends readonly unknown[], R>(call: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      const answer = await call(...given);
      isDead = true;
      return answer;
    };
  return {
    requests: { ...requests, settle: dies(requests.settle), requestCancel: dies(requests.requestCancel) },
    subscriptions: { ...subscriptions, of: orNever(subscriptions.of), dropRequest: orNever(subscriptions.dropRequest) },
  };
};

it("P2 P5 an end whose process died before it told it is told by the sweep", async () => {
  await ask("r1");
  const dying = start(1, diesAfterTheEnd);
  void dying.streamer.work(keyOf("r1"));
  await harness.clock.advance(1);
  expect(await harness.engine.requests.get(keyOf("r1"))).toMatchObject({ record: { status: "COMPLETED" } });
  expect(heard("r1")).toEqual(["acknowledgment"]);
  await sweeps(3);
  expect(heard("r1")).toEqual(["acknowledgment", "complete"]);
  expect(await harness.engine.subscriptions.isFollowed(keyOf("r1"))).toBe(false);
  expect(await harness.engine.requests.untold(10)).toEqual([]);
});

it("P2 P5 the report of a dead invocation brings every end it had still to tell, whichever request it was asked for", async () => {
  for (const id of ["asked", "best"]) await ask(id);
  const dying = start(1, diesAfterTheEnd);
  void dying.streamer.work(keyOf("best"));
  await harness.clock.advance(1);
  const wake = createWake(start(0), async () => {});
  const died = { requestContext: { requestId: dying.id }, requestPayload: { key: keyOf("asked") } };
  await wake(queueEvent(died), contextAt(harness.clock, 30_000));
  expect(heard("best")).toEqual(["acknowledgment", "complete"]);
  expect(await harness.engine.requests.untold(10)).toEqual([]);
});

it("P8 a cancellation whose function died after the write is told by the sweep", async () => {
  await ask("r1");
  const { streamer } = start(0, diesAfterTheEnd);
  void send(streamer, { type: "cancel", request_id: "r1" });
  await harness.clock.advance(1);
  await sweeps(3);
  expect(heard("r1")).toEqual(["acknowledgment", "cancellation", "cancellation", "error"]);
});

it("P5 a store that refuses to say who follows, once, at the end, loses nobody that end", async () => {
  await ask("r1");
  let refusals = 0;
  const { streamer } = start(1, ({ subscriptions, requests }) => ({
    requests: {
      ...requests,
      settle: async (lease, settlement) => {
        refusals = 1;
        return requests.settle(lease, settlement);
      },
    },
    subscriptions: {
      ...subscriptions,
      of: async (key) => {
        if (refusals === 0) return subscriptions.of(key);
        refusals -= 1;
        throw new Error("throttled");
      },
    },
  }));
  await (
    await streamer.work(keyOf("r1"))
  ).ended;
  await streamer.handOver();
  await sweeps(3);
  expect(heard("r1")).toEqual(["acknowledgment", "complete"]);
  expect(await harness.engine.requests.untold(10)).toEqual([]);
});

it("an end that was told is not looked at again, with followers or without", async () => {
  await ask("followed");
  await created(harness.engine, "alone", { payload: {} });
  for (const id of ["followed", "alone"]) {
    const { streamer } = start(1);
    await (
      await streamer.work(keyOf(id))
    ).ended;
    await streamer.handOver();
  }
  await harness.clock.advance(120_000);
  expect(await harness.engine.requests.untold(10)).toEqual([]);
  expect(heard("followed")).toEqual(["acknowledgment", "complete"]);
});

it("an end that cannot be told yet holds up no other, and is tried again", async () => {
  for (const id of ["r1", "r2"]) {
    await ask(id);
    void start(1, diesAfterTheEnd).streamer.work(keyOf(id));
    await harness.clock.advance(1);
  }
  await harness.clock.advance(60_000);
  const runtime = start(0);
  const of = runtime.engine.subscriptions.of.bind(runtime.engine.subscriptions);
  let isRefusing = true;
  const subscriptions = {
    ...runtime.engine.subscriptions,
    of: async (key: Parameters<typeof of>[0]) => {
      if (isRefusing && key === keyOf("r1")) throw new Error("throttled");
      return of(key);
    },
  };
  const engine = { ...runtime.engine, subscriptions };
  const streamer = createStreamer({ engine, handlers, options: { inlineSlots: 0 } });
  const sweep = createSweep({ ...runtime, engine, streamer }, async () => {});
  await expect(sweep({}, contextAt(harness.clock, 55_000))).rejects.toThrow("tellEnds");
  await streamer.handOver();
  expect([heard("r1"), heard("r2")]).toEqual([["acknowledgment"], ["acknowledgment", "complete"]]);
  isRefusing = false;
  await sweeps(3);
  expect(heard("r1")).toEqual(["acknowledgment", "complete"]);
});

it("P9 a request that is retried by hand keeps its new follower, however late its end is let go", async () => {
  await created(harness.engine, "r1");
  const [first, second] = [harness.another("first"), harness.another("second")];
  await first.subscriptions.add(client.connectionId, keyOf("r1"));
  const [claim] = await first.requests.claim({ leaseMs: 30_000, lanes: [{ actions: ["work"], free: 1 }], concurrency: {} });
  const error = { code: "PROCESSING_FAILED", message: "no" } as const;
  await first.requests.settle(claim!.lease, { status: "FAILED", events: [{ type: "error", error }], runMs: 1 });
  await first.subscriptions.of(keyOf("r1"));
  // The client has heard of the end, and asks again before the first process lets its followers go.
  expect(await second.requests.redrive(keyOf("r1"), { type: "acknowledgment", status: "queued", message: "again" })).toMatchObject({
    outcome: "redriven",
  });
  await second.subscriptions.add(client.connectionId, keyOf("r1"));
  await second.subscriptions.handOver(client.connectionId, keyOf("r1"), 3);
  expect(await first.subscriptions.dropRequest(keyOf("r1"))).toEqual([]);
  expect(await second.subscriptions.of(keyOf("r1"))).toEqual([{ connectionId: client.connectionId, after: 3 }]);
  expect(await second.subscriptions.has(client.connectionId, keyOf("r1"))).toBe(true);
});
