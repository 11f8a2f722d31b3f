/**
 * One life of a run, whichever way its request was routed: an id is run once, everyone who asked gets its end, limits and
 * retries hold on every route, and an end that was reached is not thrown away.
 */
import { expect } from "vitest";
import { defineHandler, RetryAfter, type AnyHandler, type HandlerContext } from "@streamer/core";
import type { ContractTest, Harness } from "../harness.ts";
import { created, record, submission } from "../samples.ts";
import { anything, startPipeline, type FlowClient, type PipelineParts } from "./pipeline.ts";

const THRESHOLD_MS = 5_000;
const { key: KEY } = submission("r1");

const short = (run: (input: unknown, ctx: HandlerContext) => unknown, more: Partial<AnyHandler> = {}): AnyHandler =>
  defineHandler({
    action: "work",
    input: anything,
    estimate: 1,
    retry: { maxAttempts: 3, baseMs: 100, capMs: 100 },
    ...more,
    run: async (input, ctx) => run(input, ctx),
  });
const start = (harness: Harness, handler: AnyHandler, more: Partial<PipelineParts> = {}) =>
  startPipeline({ harness, handlers: [handler], ...more });
const ask = (
  client: FlowClient,
  more: { readonly id?: string; readonly payload?: unknown; readonly options?: object } = {},
): Promise<void> =>
  client.send({
    type: "request",
    id: more.id ?? "r1",
    action: "work",
    payload: (more.payload ?? {}) as never,
    ...(more.options && { options: more.options }),
  });
const types = (client: FlowClient, id = "r1"): string[] => client.story(id).map(({ type }) => type);
const gate = Promise.withResolvers.bind(Promise)<void>;
const large = (): string => "x".repeat(20_000);

/** A run that waits for its gate, and how many of them there were at once. */
function counting() {
  const opened = gate();
  const now = { running: 0, most: 0 };
  const counted = async (): Promise<void> => {
    now.running += 1;
    now.most = Math.max(now.most, now.running);
    await opened.promise;
    now.running -= 1;
  };
  return { opened, now, counted };
}

export function routesContract(test: ContractTest): void {
  for (const [size, payload] of Object.entries({ small: {}, large: { pad: large() } })) {
    test(`P4 asked again on another connection while it runs, a ${size} request is run once and answered on both`, async (harness) => {
      const opened = gate();
      let runs = 0;
      const { connect, until } = await start(
        harness,
        short(async () => ((runs += 1), await opened.promise, { runs })),
      );
      const [first, second] = [await connect(), await connect()];
      void ask(first, { payload });
      await until("it runs", () => runs === 1);
      void ask(second, { payload });
      void ask(second, { payload, options: { mode: "async" } });
      await harness.clock.advance(100);
      opened.resolve();
      await until("both answered", () => [first, second].every((client) => client.last("response") !== undefined));
      for (const client of [first, second]) expect(client.last("response")).toMatchObject({ success: true, data: { runs: 1 } });
      expect(runs).toBe(1);
      const answers = (): number => second.received.filter(({ type }) => type === "response").length;
      const answered = answers();
      void ask(second, { payload });
      await until("answered again", () => answers() === answered + 1);
      expect(runs).toBe(1);
      void ask(second, { payload: { other: true } });
      await until("refused", () => second.last("error") !== undefined);
      expect(second.last("error")).toMatchObject({ request_id: "r1", error: { code: "DUPLICATE_REQUEST" } });
    });

    test(`P2 P4 the link is cut, the frame sent again, the ${size} run promoted: the new connection gets its end`, async (harness) => {
      const opened = gate();
      let runs = 0;
      const { connect, until } = await start(
        harness,
        short(async () => ((runs += 1), await opened.promise, "done")),
      );
      const first = await connect();
      void ask(first, { payload });
      await until("it runs", () => runs === 1);
      first.end.vanish();
      const second = await connect();
      void ask(second, { payload });
      await harness.clock.advance(THRESHOLD_MS + 1_000);
      opened.resolve();
      await until("told the end", () => second.last("complete") !== undefined);
      expect(types(second).filter((type) => type !== "progress")).toEqual(["acknowledgment", "complete"]);
      expect(runs).toBe(1);
    });
  }

  test("P4 an id that is durable is not run at once, whatever its action has become", async (harness) => {
    let runs = 0;
    const { connect, until } = await start(
      harness,
      short(() => (runs += 1)),
    );
    const client = await connect();
    await ask(client, { options: { mode: "async" } });
    await until("complete", () => client.last("complete") !== undefined);
    await ask(client);
    expect(client.last("snapshot")).toMatchObject({ request_id: "r1", status: "COMPLETED", result: 1 });
    expect(client.last("response")).toBeUndefined();
    await ask(client, { payload: { other: true } });
    expect(client.last("error")).toMatchObject({ error: { code: "DUPLICATE_REQUEST" } });
    await ask(client, { payload: { other: true }, options: { mode: "sync" } });
    expect(client.received.filter(({ type }) => type === "error")).toHaveLength(2);
    expect(runs).toBe(1);
  });

  test("P4 a handler that changes its input in place has changed nothing of what is compared, or stored", async (harness) => {
    let runs = 0;
    const sorting = short((input, ctx) => {
      const { rows } = input as { rows: number[] };
      rows.sort((a, b) => a - b);
      runs += 1;
      return ctx.partial("rows", rows);
    });
    const { connect, until } = await start(harness, sorting);
    const client = await connect();
    await ask(client, { payload: { rows: [3, 1, 2] } });
    await until("complete", () => client.last("complete") !== undefined);
    await ask(client, { payload: { rows: [3, 1, 2] } });
    expect(client.last("snapshot")).toMatchObject({ status: "COMPLETED" });
    expect(client.last("error")).toBeUndefined();
    expect(runs).toBe(1);
  });

  for (const what of ["partial", "checkpoint", "file"] as const) {
    test(`a short handler may store a ${what} before it awaits anything`, async (harness) => {
      const eager = short((_, ctx) => {
        const stored = {
          partial: () => ctx.partial("rows", 1),
          checkpoint: () => ctx.checkpoint(1),
          file: () => ctx.blobs.put("a.txt", "a"),
        };
        return stored[what]().then(() => "done");
      });
      const { connect, until } = await start(harness, eager);
      const client = await connect();
      await ask(client);
      await until("complete", () => client.last("complete") !== undefined);
      expect(client.last("complete")).toMatchObject({ result: "done" });
      expect(await record(harness.engine, KEY)).toMatchObject({ status: "COMPLETED", attempt: 1 });
    });
  }

  test("P9 what is answered at once is retried as its handler promised: promoted, and no sooner than asked", async (harness) => {
    const times: number[] = [];
    const flaky = short(() => {
      times.push(harness.clock.now());
      if (times.length < 3) throw times.length === 1 ? new RetryAfter(700) : new Error("again");
      return "third time lucky";
    });
    const { connect, until } = await start(harness, flaky);
    const client = await connect();
    await ask(client);
    await until("complete", () => client.last("complete") !== undefined);
    expect(types(client).filter((type) => type !== "progress")).toEqual(["acknowledgment", "retrying", "retrying", "complete"]);
    expect(client.last("complete")).toMatchObject({ metadata: { attempts: 3 } });
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(700);
    expect(client.last("response")).toBeUndefined();
  });

  test("a run answered at once that cannot be tried again is answered with its error, and is not stored", async (harness) => {
    const { connect } = await start(
      harness,
      short(() => Promise.reject(new Error("no")), { retry: { maxAttempts: 1 } }),
    );
    const client = await connect();
    await ask(client);
    expect(client.last("response")).toMatchObject({ success: false, error: { code: "PROCESSING_FAILED", message: "no" } });
    expect(await harness.engine.requests.has(KEY)).toBe(false);
  });

  test("timeout_ms counts for what is answered at once", async (harness) => {
    const waits = short(
      (_, ctx) => new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))),
    );
    const { connect, until } = await start(harness, waits);
    const client = await connect();
    void ask(client, { options: { timeout_ms: 300, max_attempts: 1 } });
    await until("timed out", () => client.last("response") !== undefined, 2_000);
    expect(client.last("response")).toMatchObject({ success: false, error: { code: "TIMEOUT" } });
  });

  test("P14 limits of an action count on every route, forced or not", async (harness) => {
    const { opened, now, counted } = counting();
    const { connect, quiet, until } = await start(harness, short(counted, { concurrency: { total: 2 } }));
    const client = await connect();
    const modes = [undefined, "sync", "async"] as const;
    for (let n = 0; n < 9; n += 1) await ask(client, { id: `r${n}`, options: { mode: modes[n % 3] ?? "auto" } });
    await quiet();
    expect(now.most).toBe(2);
    opened.resolve();
    await until("all ended", () => client.received.filter(({ type }) => type === "complete").length === 9);
    expect(now.most).toBe(2);
  });

  test("P14 what is answered at once takes a slot, and waits in the queue, within its limits, when none is free", async (harness) => {
    const { opened, now, counted } = counting();
    const options = { inlineSlots: 2, admission: { queued: 3, queuedPerTenant: 3 } };
    const { connect, quiet, until } = await start(harness, short(counted), { options });
    const client = await connect();
    for (let n = 0; n < 8; n += 1) void ask(client, { id: `r${n}`, options: { mode: "sync" } });
    await quiet();
    expect(now.most).toBe(2);
    await until("refused", () => client.received.filter(({ type }) => type === "error").length === 3);
    expect(client.last("error")).toMatchObject({ error: { code: "RATE_LIMITED" } });
    opened.resolve();
    const isAnswer = (type: string) => type === "response" || type === "complete";
    await until("the others ended", () => client.received.filter(({ type }) => isAnswer(type)).length === 5);
    expect(now.most).toBe(2);
  });

  test("P8 the receipt of a cancellation reaches everyone in its place, whichever write is told first", async (harness) => {
    const said = gate();
    const work = short(
      async (_, ctx) => {
        await ctx.partial("rows", 0);
        await said.promise;
        await ctx.partial("rows", 1);
        await new Promise((_resolve, reject) =>
          ctx.signal.aborted ? reject(ctx.signal.reason) : ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)),
        );
      },
      { estimate: 60_000 },
    );
    // The cancellation's answer is late: what the run says meanwhile is published before it.
    const decide: PipelineParts["decide"] = ({ verb }) => {
      if (verb === "requests.requestCancel") said.resolve();
      return "none";
    };
    const { connect, until, engine } = await start(harness, work, { decide });
    const { requestCancel } = engine.requests;
    Object.assign(engine.requests, {
      requestCancel: async (...terms: Parameters<typeof requestCancel>) => {
        const outcome = await requestCancel(...terms);
        for (let turn = 0; turn < 30; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        return outcome;
      },
    });
    const [client, other] = [await connect(), await connect()];
    await ask(client);
    await until("it runs", () => types(client).includes("partial"));
    await other.send({ type: "subscribe", request_id: "r1" });
    void client.send({ type: "cancel", request_id: "r1" });
    await until("both saw the end", () => [client, other].every((each) => each.last("error") !== undefined));
    for (const each of [client, other]) {
      const seqs = each.story("r1").map(({ seq }) => seq);
      expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, at) => at + 1));
      const stages = each.story("r1").flatMap((message) => (message.type === "cancellation" ? [message.stage] : []));
      expect(stages).toEqual(["requested", "observed", "stopped"]);
    }
  });

  test("P2 a result whose end the store refuses for a while is stored in the end, and the run is not begun again", async (harness) => {
    let runs = 0;
    let refusals = 0;
    const decide: PipelineParts["decide"] = ({ verb }) => (verb === "requests.settle" && (refusals += 1) <= 4 ? "refuse" : "none");
    const { connect, until } = await start(
      harness,
      short(() => (runs += 1), { estimate: 60_000 }),
      { decide },
    );
    const client = await connect();
    await ask(client);
    await until("complete", () => client.last("complete") !== undefined);
    expect(client.last("complete")).toMatchObject({ result: 1, metadata: { attempts: 1 } });
    expect({ runs, refusals }).toEqual({ runs: 1, refusals: 5 });
  });

  test("P5 what a run says while the store refuses is kept, and told in its order", async (harness) => {
    let refusals = 0;
    const decide: PipelineParts["decide"] = ({ verb }) => (verb === "requests.advance" && (refusals += 1) <= 3 ? "refuse" : "none");
    const work = short(
      async (_, ctx) => {
        for (let n = 0; n < 3; n += 1) await ctx.partial("rows", n);
      },
      { estimate: 60_000 },
    );
    const { connect, until } = await start(harness, work, { decide });
    const client = await connect();
    await ask(client);
    await until("complete", () => client.last("complete") !== undefined);
    const rows = client.story("r1").flatMap((message) => (message.type === "partial" ? [[message.index, message.data]] : []));
    expect(rows).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
    expect(client.last("complete")).toMatchObject({ metadata: { attempts: 1 } });
  });

  test("P6 a request that is subscribed to again, from further back, tells all from there", async (harness) => {
    const opened = gate();
    const work = short(
      async (_, ctx) => {
        for (let n = 0; n < 6; n += 1) await ctx.partial("rows", n);
        await opened.promise;
      },
      { estimate: 60_000 },
    );
    const { connect, until } = await start(harness, work);
    const first = await connect();
    await ask(first);
    await until("all said", () => types(first).filter((type) => type === "partial").length === 6);
    const second = await connect();
    void second.send({ type: "subscribe", request_id: "r1", after: 5 });
    void second.send({ type: "subscribe", request_id: "r1", after: 0 });
    opened.resolve();
    await until("complete", () => second.last("complete") !== undefined);
    expect(new Set(second.story("r1").map(({ seq }) => seq)).size).toBe(second.story("r1").at(-1)!.seq);
  });

  test("a handler that ignores its signal loses its request, and not its slot to everybody else", async (harness) => {
    const stuck = short((input) => ((input as { stuck?: true }).stuck ? new Promise(() => {}) : "fine"), { estimate: 60_000 });
    const options = { inlineSlots: 2, cancelGraceMs: 500 };
    const { connect, until, streamer } = await start(harness, stuck, { options });
    const client = await connect();
    for (const id of ["s1", "s2"]) await ask(client, { id, payload: { stuck: true } });
    await until("both run", () => streamer.running === 2);
    for (const id of ["s1", "s2"]) await client.send({ type: "cancel", request_id: id });
    await until("both ended", () => client.received.filter(({ type }) => type === "error").length === 2);
    expect(streamer.health()).toEqual({ runs: 0, abandonedRuns: 2, isLosingSlots: true });
    await ask(client, { id: "fine" });
    await until("another runs", () => client.last("complete")?.request_id === "fine");
  });

  test("results answered at once have the limits of those that are stored", async (harness) => {
    const { connect } = await start(
      harness,
      short((input) => (input === "big" ? "x".repeat(2_000) : 1n)),
      { options: { valueLength: 1_000 } },
    );
    const client = await connect();
    await ask(client, { id: "big", payload: "big" });
    expect(client.last("response")).toMatchObject({
      request_id: "big",
      success: false,
      error: { message: expect.stringMatching(/over the limit of 1000/) },
    });
    await ask(client, { id: "odd", payload: "odd" });
    expect(client.last("response")).toMatchObject({
      request_id: "odd",
      success: false,
      error: { message: expect.stringMatching(/not JSON/) },
    });
  });

  test("P9 a retried request is followed by who retried it, from there on", async (harness) => {
    const mended = { yes: false };
    const broken = short(
      () => {
        if (!mended.yes) throw new Error("still broken");
        return "mended";
      },
      { estimate: 60_000, retry: { maxAttempts: 1 } },
    );
    const { connect, until } = await start(harness, broken);
    const [client, other] = [await connect(), await connect()];
    await ask(client);
    await until("failed", () => client.last("error") !== undefined);
    mended.yes = true;
    await other.send({ type: "retry", request_id: "r1" });
    await until("told", () => other.last("complete") !== undefined);
    expect(types(other).filter((type) => type !== "progress")).toEqual(["acknowledgment", "complete"]);
    expect(types(other)).not.toContain("error");
  });

  test("P4 an id that was made durable by another process meanwhile is that request's, and no second answer comes", async (harness) => {
    const opened = gate();
    const { connect, until, quiet } = await start(
      harness,
      short(async () => (await opened.promise, "at once")),
    );
    const client = await connect();
    void ask(client);
    await quiet();
    await created(harness.engine, "r1", { payload: {} });
    await harness.clock.advance(THRESHOLD_MS + 500);
    opened.resolve();
    await until("told of what is stored", () => client.last("snapshot") !== undefined);
    await quiet();
    expect(client.last("response")).toBeUndefined();
  });
}
