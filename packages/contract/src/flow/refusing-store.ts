/** What a store or a connection refuses is told to whoever it concerns, by name, and costs nobody else anything (P2, P12). */
import { expect } from "vitest";
import { defineHandler, isStreamerError, StreamerError, type AnyHandler, type HandlerContext } from "@streamer/core";
import { turnsOfTheLoop } from "../clock.ts";
import type { ContractTest, Harness } from "../harness.ts";
import { created, record, submission } from "../samples.ts";
import { anything, startPipeline, type FlowClient, type PipelineParts } from "./pipeline.ts";

const { key: KEY } = submission("r1");
type Run = (input: unknown, ctx: HandlerContext) => unknown;
const handler = (run: Run, more: Partial<AnyHandler> = {}): AnyHandler =>
  defineHandler({ action: "work", input: anything, estimate: 1, retry: { maxAttempts: 2, baseMs: 100, capMs: 100 }, ...more, run });
const LONG = { estimate: 60_000 };
const start = (harness: Harness, run: AnyHandler, more: Partial<PipelineParts> = {}) =>
  startPipeline({ harness, handlers: [run], ...more });
const ask = (client: FlowClient, id = "r1", options: object = {}): Promise<void> =>
  client.send({ type: "request", id, action: "work", payload: {}, options });
type Decide = NonNullable<PipelineParts["decide"]>;
const gate = Promise.withResolvers.bind(Promise)<void>;
const refusing =
  (verb: string, isOn: () => boolean = () => true): Decide =>
  (call) =>
    call.verb === verb && isOn() ? "refuse" : "none";
const codeOf = (error: unknown): unknown => (isStreamerError(error) ? error.code : error);

export function refusingStoreContract(test: ContractTest): void {
  test("P9 a time that cannot be told to the engine delays its request, and loses nothing", async (harness) => {
    let isRefused = true;
    let runs = 0;
    const work = handler(() => {
      runs += 1;
      if (runs === 1) throw new Error("again");
      return "done";
    }, LONG);
    const { connect, until } = await start(harness, work, { decide: refusing("wakeups.at", () => isRefused) });
    const client = await connect();
    await ask(client, "r1", { delay_ms: 1_000 });
    expect(client.last("acknowledgment")).toMatchObject({ request_id: "r1", waiting_for: "scheduled" });
    await until("done", () => client.last("complete") !== undefined);
    isRefused = false;
    expect(client.last("complete")).toMatchObject({ result: "done", metadata: { attempts: 2 } });
  });

  test("P4 an answer that cannot be remembered is given to who asked first", async (harness) => {
    const { connect } = await start(
      harness,
      handler(() => "done"),
      { decide: refusing("answers.end") },
    );
    const client = await connect();
    await ask(client);
    expect(client.last("response")).toMatchObject({ success: true, data: "done" });
  });

  test("P2 an answer that cannot be sent to one is sent to the others", async (harness) => {
    const opened = gate();
    let first = "";
    const { connect, quiet, until } = await start(
      harness,
      handler(() => opened.promise),
      {
        decide: ({ verb, values }) => (verb === "channel.send" && values[0] === first ? "refuse" : "none"),
      },
    );
    const [client, other] = [await connect(), await connect()];
    first = client.end.connectionId;
    void ask(client);
    await quiet();
    void ask(other);
    await quiet();
    opened.resolve();
    await until("the other is answered", () => other.last("response") !== undefined);
    expect(client.last("response")).toBeUndefined();
  });

  test("P14 what is to be answered at once while a claim is under way waits for what the claim leaves", async (harness) => {
    let isSlow = false;
    const { connect, quiet, streamer } = await start(
      harness,
      handler(() => "done"),
      {
        decide: ({ verb }) => (isSlow && verb === "requests.claim" ? { turns: 30 } : "none"),
      },
    );
    const client = await connect();
    isSlow = true;
    const working = streamer.work();
    void ask(client);
    await turnsOfTheLoop(10);
    expect(client.last("response")).toBeUndefined();
    await working;
    await quiet();
    expect(client.last("response")).toMatchObject({ success: true, data: "done" });
  });

  test("P4 whether an id is durable cannot be known: it is submitted, and runs from there", async (harness) => {
    const { connect, until } = await start(
      harness,
      handler(() => "done"),
      { decide: refusing("requests.has") },
    );
    const client = await connect();
    await ask(client);
    await until("done", () => client.last("complete") !== undefined);
    expect(client.last("response")).toBeUndefined();
    expect(await record(harness.engine, KEY)).toMatchObject({ status: "COMPLETED" });
  });

  for (const outcome of ["stored", "refused"] as const) {
    test(`P4 who asked for the same id meanwhile is told what became of it: of its story, or of its refusal: ${outcome}`, async (harness) => {
      const opened = gate();
      const work = handler((_, { request }) => (request.id.startsWith("holds") ? opened.promise : "done"));
      const decide: Decide = ({ verb }) => {
        if (verb === "requests.has") return { turns: 40 };
        return verb === "requests.submit" && outcome === "refused" ? "refuse" : "none";
      };
      const { connect, until, quiet } = await start(harness, work, { decide, options: { inlineSlots: 1 } });
      const [client, other] = [await connect(), await connect()];
      void ask(client, `holds the slot until it is ${outcome}`);
      await quiet();
      void ask(client, outcome);
      await turnsOfTheLoop(10);
      void ask(other, outcome);
      await quiet();
      opened.resolve();
      const type = outcome === "stored" ? "complete" : "error";
      await until("both are told", () => [client, other].every((each) => each.last(type)?.request_id === outcome));
      for (const each of [client, other]) {
        if (type === "complete") expect(each.story(outcome)[0]).toMatchObject({ type: "acknowledgment", seq: 1 });
        else expect(each.last(type)).toMatchObject({ error: { code: "STORAGE_ERROR" } });
      }
    });
  }

  test("P1 a store that takes a run without the claim that it was asked for has not taken it: it is answered at its end", async (harness) => {
    const opened = gate();
    const { connect, until, engine, quiet } = await start(
      harness,
      handler(() => opened.promise.then(() => "done")),
    );
    const { submit } = engine.requests;
    Object.assign(engine.requests, {
      submit: async (...all: Parameters<typeof submit>) => {
        const { claim: _, ...outcome } = (await submit(...all)) as { claim?: unknown };
        return outcome;
      },
    });
    const client = await connect();
    void ask(client);
    await quiet();
    await harness.clock.advance(6_000);
    opened.resolve();
    await until("answered", () => client.last("response") !== undefined);
    expect(client.last("response")).toMatchObject({ success: true, data: "done" });
  });

  test("P2 a word that cannot be made durable is refused to its handler, which may end well without it", async (harness) => {
    const refused: unknown[] = [];
    const work = handler(async (_, ctx) => {
      // Two at once: one promotion serves both.
      const both = await Promise.allSettled([ctx.partial("rows", 1), ctx.checkpoint(1)]);
      refused.push(...both.map((each) => each.status === "rejected" && codeOf(each.reason)));
      return "done";
    });
    const { connect, engine } = await start(harness, work, { decide: refusing("requests.submit") });
    const client = await connect();
    await ask(client);
    expect(client.last("response")).toMatchObject({ success: true, data: "done" });
    expect(refused).toEqual(["STORAGE_ERROR", "STORAGE_ERROR"]);
    expect(engine.calls.filter(({ verb }) => verb === "requests.submit")).toHaveLength(1);
  });

  test("P4 a run whose id another process has stored meanwhile is told so, and says nothing of its own", async (harness) => {
    const begun = gate();
    const stored = gate();
    const refused: unknown[] = [];
    const work = handler(async (_, ctx) => {
      begun.resolve();
      await stored.promise;
      await ctx.partial("rows", 1).catch((error: unknown) => refused.push(codeOf(error)));
      return "at once";
    });
    const { connect, until, quiet } = await start(harness, work);
    const client = await connect();
    void ask(client);
    await begun.promise;
    await created(harness.engine, "r1", { payload: {} });
    stored.resolve();
    await until("told of what is stored", () => client.last("snapshot") !== undefined);
    await quiet();
    expect(refused).toEqual(["DUPLICATE_REQUEST"]);
    expect(client.last("response")).toBeUndefined();
  });

  test("P4 those who asked again for a run that becomes durable are told of it, whatever the store says to that", async (harness) => {
    const opened = gate();
    const { connect, quiet, until } = await start(
      harness,
      handler(() => opened.promise),
      {
        decide: ({ verb, values }) => (verb === "answers.end" && (values[1] as { kind: string }).kind === "durable" ? "refuse" : "none"),
      },
    );
    const client = await connect();
    void ask(client);
    await quiet();
    await harness.clock.advance(6_000);
    opened.resolve();
    await until("done", () => client.last("complete") !== undefined);
  });

  test("P4 a request whose id was held runs, though those who asked again for it could not be told", async (harness) => {
    const { connect, until } = await start(
      harness,
      handler(() => "done"),
      { decide: ({ verb }) => (verb === "requests.has" || verb === "answers.end" ? "refuse" : "none") },
    );
    const client = await connect();
    void ask(client);
    await until("done", () => client.last("complete") !== undefined);
    expect(client.last("complete")).toMatchObject({ request_id: "r1", result: "done" });
  });

  test("P2 a run that ends while it is being made durable ends there, once", async (harness) => {
    const opened = gate();
    const { connect, until, quiet } = await start(
      harness,
      handler(() => opened.promise),
      {
        decide: ({ verb }) => {
          if (verb !== "requests.submit") return "none";
          opened.resolve();
          return { turns: 30 };
        },
      },
    );
    const client = await connect();
    void ask(client);
    await quiet();
    await harness.clock.advance(6_000);
    await until("done", () => client.last("complete") !== undefined);
    await quiet();
    expect(client.last("response")).toBeUndefined();
    expect(
      client
        .story("r1")
        .map(({ type }) => type)
        .filter((type) => type !== "progress"),
    ).toEqual(["acknowledgment", "complete"]);
  });

  for (const how of ["retry", "release"] as const) {
    test(`P2 what a run saved while the store refused goes with its retry, and with its release: ${how}`, async (harness) => {
      let isFull = true;
      const resumed: unknown[] = [];
      const work = handler(async (_, ctx) => {
        resumed.push(ctx.resumed);
        if (ctx.resumed !== undefined) return "gone on";
        void ctx.partial("rows", 1).catch(() => {});
        void ctx.checkpoint({ row: 3 }).catch(() => {});
        await new Promise((resolve) => setImmediate(resolve));
        if (how === "retry") throw new Error("again");
        return new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
      }, LONG);
      const { connect, quiet, until, streamer } = await start(harness, work, {
        decide: ({ verb }) => {
          if (verb !== "requests.advance" || !isFull) return "none";
          isFull = false;
          return "refuse";
        },
      });
      const client = await connect();
      await ask(client, how);
      await quiet();
      if (how === "release") await streamer.handBack(1_000, { requireCheckpoint: false });
      await until("done", () => client.last("complete")?.request_id === how);
      expect(resumed).toEqual([undefined, { row: 3 }]);
      expect(client.story(how).filter(({ type }) => type === "partial")).toHaveLength(1);
      const seqs = client.story(how).map(({ seq }) => seq);
      expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, at) => at + 1));
    });
  }

  for (const gives of ["a failure instead", "nothing in time"]) {
    test(`P2 an end that the store will never take is replaced by one that it takes: ${gives}`, async (harness) => {
      let settles = 0;
      const { connect, until, engine, streamer, quiet } = await start(
        harness,
        handler(() => "done", LONG),
      );
      const { settle } = engine.requests;
      Object.assign(engine.requests, {
        settle: (...all: Parameters<typeof settle>) => {
          settles += 1;
          if (settles === 1) return Promise.reject(new TypeError("a text that is no text"));
          if (gives === "nothing in time") return Promise.reject(new StreamerError("STORAGE_ERROR", "the disk is full"));
          return settle(...all);
        },
      });
      const client = await connect();
      await ask(client, gives);
      await quiet();
      if (gives === "nothing in time") {
        const handedBack = streamer.handBack(3_000, { requireCheckpoint: false });
        await harness.clock.advance(3_000);
        await handedBack;
        expect(await record(harness.engine, submission(gives).key)).toMatchObject({ status: "PROCESSING" });
        return;
      }
      await until("it failed", () => client.last("error") !== undefined);
      expect(client.last("error")).toMatchObject({
        error: {
          code: "INTERNAL_ERROR",
          message: expect.stringMatching(/its log says why, by error/),
          details: { error_id: expect.any(String) },
        },
      });
    });
  }

  for (const [name, validate] of Object.entries({
    throws: () => {
      throw new Error("no such column");
    },
    rejects: () => Promise.reject(new Error("no such column")),
  })) {
    test(`P2 a stored payload that its schema cannot even look at fails its run, and is tried as often as any: ${name}`, async (harness) => {
      const first = await start(
        harness,
        handler(() => 1, LONG),
      );
      const client = await first.connect();
      await ask(client, name, { delay_ms: 60_000 });
      await harness.restart();
      const input = { "~standard": { version: 1, vendor: "test", validate } } as const;
      const second = await start(
        harness,
        handler(() => 1, { ...LONG, input }),
      );
      const again = await second.connect();
      await again.send({ type: "subscribe", request_id: name, after: 1 });
      await second.until("it failed", () => again.last("error") !== undefined, 300_000);
      expect(again.last("error")).toMatchObject({ request_id: name, error: { message: "no such column" } });
      expect(again.story(name).filter(({ type }) => type === "retrying")).toHaveLength(1);
    });
  }

  test("P6 a subscription that cannot be told from its beginning is none, and its asker hears of it", async (harness) => {
    let isRefused = false;
    const opened = gate();
    const { connect, quiet, until } = await start(
      harness,
      handler(() => opened.promise, LONG),
      {
        decide: refusing("events.after", () => isRefused),
      },
    );
    const [client, other] = [await connect(), await connect()];
    await ask(client);
    await quiet();
    isRefused = true;
    await other.send({ type: "subscribe", request_id: "r1", ref: "s" });
    isRefused = false;
    expect(other.last("error") ?? other.end.closed).toBeDefined();
    opened.resolve();
    await until("done", () => client.last("complete") !== undefined);
    await quiet();
    expect(other.story("r1")).toEqual([]);
  });

  test("P6 a follower that a word cannot be sent to is closed, so that it resumes", async (harness) => {
    let isRefused = false;
    const opened = gate();
    const { connect, quiet, until, engine } = await start(
      harness,
      handler(() => opened.promise, LONG),
      {
        decide: refusing("channel.send", () => isRefused),
      },
    );
    const client = await connect();
    await ask(client);
    await quiet();
    isRefused = true;
    opened.resolve();
    await until("it is closed", () => client.end.closed !== undefined);
    expect(engine.calls.findLast(({ verb }) => verb === "channel.close")?.values.slice(0, 2)).toEqual([client.end.connectionId, 1011]);
  });
}
