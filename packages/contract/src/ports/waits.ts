/** What a request waits for: said in its acknowledgment, again when that changes, and never of one that runs. */
import { expect } from "vitest";
import { defineHandler, type AnyHandler } from "@streamer/core";
import type { EventBody, WaitTerms } from "@streamer/core";
import type { ServerMessage } from "@streamer/protocol";
import type { ContractTest, Harness } from "../harness.ts";
import { anything, startPipeline, type FlowClient } from "../flow/pipeline.ts";
import {
  ALICE,
  BOB,
  EVE,
  COMPLETED,
  CANCEL_EVENTS,
  claimed,
  created,
  readFrame,
  record,
  replay,
  retrying,
  submission,
  terms,
} from "../samples.ts";

const concurrency = { work: { total: 1 } };
const ONE: WaitTerms = { lanes: [{ actions: ["work"], slots: 1 }], concurrency };
const waiting = (reason: "queue" | "action_concurrency"): EventBody & { readonly type: "waiting" } => ({ type: "waiting", reason });

export function waitsContract(test: ContractTest): void {
  test("P3 P5 what a request waits for is an event while it waits, and is refused once it runs or has ended", async ({ engine }) => {
    await created(engine, "r1");
    const { key } = submission("r1");
    const written = await engine.requests.wait(key, waiting("queue"));
    expect(written.outcome === "written" && written.frames.map(readFrame)).toMatchObject([{ type: "waiting", seq: 2, reason: "queue" }]);
    expect((await replay(engine, key)).map(({ seq }) => seq)).toEqual([1, 2]);
    const { lease } = await claimed(engine, key);
    expect(await engine.requests.wait(key, waiting("queue"))).toEqual({ outcome: "lost" });
    await engine.requests.settle(lease, COMPLETED);
    expect(await engine.requests.wait(key, waiting("queue"))).toEqual({ outcome: "lost" });
    expect(await engine.requests.wait(submission("nobody").key, waiting("queue"))).toEqual({ outcome: "lost" });
    expect((await replay(engine, key)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  test("what was told waits for a claim like before, and can be cancelled", async ({ engine, clock }) => {
    for (const id of ["r1", "r2"]) {
      await created(engine, id);
      await engine.requests.wait(submission(id).key, waiting("queue"));
    }
    await engine.requests.requestCancel(submission("r1").key, CANCEL_EVENTS);
    await clock.advance(1_000);
    expect((await engine.requests.claim(terms(5))).map(({ requestId, queueMs }) => [requestId, queueMs])).toEqual([["r2", 1_000]]);
  });

  test("a request that its action's limit holds is news once; one that a slot is free for is none", async ({ engine }) => {
    await created(engine, "r1", { size: 7 });
    await created(engine, "r2", { size: 7 });
    const keys = [submission("r2").key];
    expect(await engine.requests.waits({ ...ONE, keys })).toEqual([]);
    const [running] = await engine.requests.claim(terms(1, { concurrency }));
    const news = await engine.requests.waits({ ...ONE, keys });
    expect(news).toMatchObject([{ key: keys[0], action: "work", size: 7, reason: "action_concurrency" }]);
    await engine.requests.wait(keys[0]!, waiting("action_concurrency"));
    expect(await engine.requests.waits({ ...ONE, keys })).toEqual([]);
    await engine.requests.settle(running!.lease, COMPLETED);
    expect(await engine.requests.claim(terms(5, { concurrency }))).toHaveLength(1);
    expect(await engine.requests.waits({ ...ONE, keys })).toEqual([]);
  });

  test("P7 the record of a waiting request says what it waits for, and how its last attempt failed", async ({ engine, clock }) => {
    const { key } = submission("r1");
    let position: number | undefined = -1;
    await created(engine, "later", {
      runAt: clock.now() + 60_000,
      acknowledge: ({ place }) => {
        ({ position } = place);
        return { type: "acknowledgment", status: "queued", message: "accepted" };
      },
    });
    const later = await record(engine, submission("later").key);
    expect(later.waitingFor).toEqual({ reason: "scheduled" });
    expect(position).toBeUndefined();
    await created(engine, "r1");
    expect(await record(engine, key)).toMatchObject({ status: "PENDING", waitingFor: { reason: "queue" } });
    const { lease } = await claimed(engine, key);
    expect((await record(engine, key)).waitingFor).toBeUndefined();
    await engine.requests.reschedule(lease, { runAt: clock.now() + 5_000, events: [retrying(2, clock.now() + 5_000)] });
    const failed = await record(engine, key);
    expect(failed).toMatchObject({ status: "RETRYING", waitingFor: { reason: "backoff" }, error: { message: "again" } });
    const { records } = await engine.requests.list({ ...ALICE, status: "RETRYING", limit: 10 });
    expect(records).toMatchObject([{ waitingFor: { reason: "backoff" }, error: { message: "again" } }]);
    await clock.advance(5_000);
    expect(await record(engine, key)).toMatchObject({ status: "RETRYING", waitingFor: { reason: "queue" } });
    const second = await claimed(engine, key);
    expect((await record(engine, key)).error).toBeUndefined();
    await engine.requests.release(second.lease, { crashed: false });
    const back = await record(engine, key);
    expect([back.status, back.waitingFor?.reason, back.error]).toEqual(["PENDING", "queue", undefined]);
  });

  test("the acknowledgment names the limit that the request will wait for", async ({ engine }) => {
    const places: unknown[] = [];
    const submit = async (id: string, perTenant: boolean, owner = ALICE) =>
      created(engine, id, {
        owner,
        concurrency: perTenant ? { perTenant: 1 } : { total: 1 },
        acknowledge: ({ place }) => {
          places.push(place.reason);
          return { type: "acknowledgment", status: "queued", message: "accepted" };
        },
      });
    await submit("r1", true);
    await engine.requests.claim(terms(1, { concurrency: { work: { total: 5, perTenant: 5 } } }));
    await submit("r2", true);
    await submit("r3", true, BOB);
    await submit("r4", true, EVE);
    await submit("r5", false, EVE);
    expect(places).toEqual(["queue", "tenant_concurrency", "tenant_concurrency", "queue", "action_concurrency"]);
  });

  const gate = Promise.withResolvers.bind(Promise)<void>;
  const start = async (harness: Harness, more: Partial<AnyHandler>) => {
    const opened = gate();
    const work = defineHandler({ action: "work", input: anything, estimate: 60_000, ...more, run: () => opened.promise });
    return { ...(await startPipeline({ harness, handlers: [work] })), open: opened.resolve };
  };
  const ask = (client: FlowClient, id: string, options: object = {}): Promise<void> =>
    client.send({ type: "request", id, action: "work", payload: {}, options });
  const told = (client: FlowClient, id: string): readonly ServerMessage<"waiting">[] =>
    client.story(id).filter((message): message is ServerMessage<"waiting"> & { readonly seq: number } => message.type === "waiting");

  test("P5 followers hear that a limit holds what was queued, once, before it runs", async (harness) => {
    const { connect, until, streamer, quiet, open } = await start(harness, { concurrency: { perTenant: 1 } });
    const client = await connect();
    await ask(client, "first");
    await until("it runs", () => streamer.running === 1);
    await ask(client, "later", { delay_ms: 5_000 });
    expect(client.last("acknowledgment")).toMatchObject({
      request_id: "later",
      waiting_for: "scheduled",
      until: harness.clock.now() + 5_000,
    });
    expect(client.last("acknowledgment")!.eta!.p50_ms).toBeGreaterThanOrEqual(65_000);
    await ask(client, "second");
    expect(client.last("acknowledgment")).toMatchObject({ request_id: "second", waiting_for: "tenant_concurrency" });
    await harness.clock.advance(6_000);
    for (let times = 0; times < 3; times += 1) {
      await streamer.tellWaits([submission("later").key, submission("second").key]);
      await quiet();
    }
    expect(told(client, "second")).toEqual([]);
    const [wait, ...more] = told(client, "later");
    expect(wait).toMatchObject({ seq: 2, reason: "tenant_concurrency" });
    expect(more).toEqual([]);
    // Nothing has been learned yet: what is declared counts, where the place in line is known.
    expect(wait!.eta).toEqual(
      wait!.position === undefined ? undefined : { p50_ms: 60_000 * (1 + wait!.position), p90_ms: 60_000 * (1 + wait!.position) },
    );
    open();
    await until("all are done", () => client.received.filter(({ type }) => type === "complete").length === 3);
    expect(client.story("later").map(({ type }) => type)).toEqual(["acknowledgment", "waiting", "progress", "complete"]);
  });

  test("what nobody follows is told nothing, and is none the worse", async (harness) => {
    const { connect, until, streamer, open } = await start(harness, { concurrency: { total: 1 } });
    const client = await connect();
    await ask(client, "first");
    await until("it runs", () => streamer.running === 1);
    await ask(client, "later", { delay_ms: 5_000, subscribe: false });
    await harness.clock.advance(6_000);
    await streamer.tellWaits([submission("later").key]);
    open();
    await until("the first is done", () => client.last("complete") !== undefined);
    const stored = async () => (await replay(harness.engine, submission("later").key)).map((frame) => readFrame(frame).type);
    await until("the other is done", async () => (await stored()).includes("complete"));
    expect(await stored()).toEqual(["acknowledgment", "progress", "complete"]);
  });
}
