/** Whatever a handler throws, its run ends as what it was: once for each attempt, with an error that can be read. */
import { defineHandler, Fatal, RetryAfter, StreamerError, type AnyHandler, type LogFields } from "@streamer/core";
import { expect } from "vitest";
import type { ContractTest, Harness } from "../harness.ts";
import { anything, startPipeline } from "./pipeline.ts";

const circular: Record<string, unknown> = {};
circular["self"] = circular;
const trap = (): never => {
  throw new Error("a trap");
};

/** What is thrown, and what is told of it. */
const THROWN: Readonly<Record<string, readonly [() => unknown, RegExp]>> = {
  null_prototype: [() => Object.create(null), /./],
  message_object: [() => Object.assign(new Error("x"), { message: { code: 42 } }), /42/],
  details_bigint: [() => new Fatal("bad row", { details: { row: 12n } as never }), /^bad row \(its details were left out/],
  details_circular: [() => Object.assign(new Error("bad"), { details: circular }), /^bad \(its details were left out/],
  details_large: [() => new Fatal("bad", { details: { text: "x".repeat(1e6) } }), /^bad \(its details were left out/],
  symbol: [() => Symbol("odd"), /odd/],
  nothing: [() => undefined, /./],
  getters: [() => Object.defineProperty(new Error("x"), "message", { get: trap }), /./],
  proxy: [() => new Proxy(new Error("x"), { get: trap, getPrototypeOf: trap }), /./],
  code: [() => new StreamerError("NO_SUCH_CODE" as never, "odd code"), /^odd code$/],
  fatal_code: [() => new Fatal("odd code", { code: "NO_SUCH_CODE" as never }), /^odd code$/],
  half_a_character: [() => new Error("half \ud83d"), /^half \ufffd$/],
  cut_in_a_character: [() => new Error(`${"x".repeat(1_023)}😀`), /^x{1000,}/],
  long: [() => new Error("x".repeat(100_000)), /^x+…?$/],
};

const SECRET = "/srv/secret";
const systemError = (code: string): Error =>
  Object.assign(new Error(`${code}: too many open files, open '${SECRET}'`), { code, errno: -24, syscall: "open", path: SECRET });

/** What no author wrote, and the code it is told by. */
const FAULTS: Readonly<Record<string, readonly [() => unknown, string]>> = {
  type_error: [() => new TypeError(`Cannot read properties of undefined (reading '${SECRET}')`), "INTERNAL_ERROR"],
  no_file: [() => systemError("ENOENT"), "INTERNAL_ERROR"],
  no_descriptors: [() => systemError("EMFILE"), "SERVICE_UNAVAILABLE"],
  no_room: [() => systemError("ENOSPC"), "SERVICE_UNAVAILABLE"],
  of_node: [() => Object.assign(new Error(`unable to open ${SECRET}`), { code: "ERR_SQLITE_ERROR" }), "INTERNAL_ERROR"],
  of_a_service: [() => Object.assign(new Error(`arn:aws:iam::1:role${SECRET}`), { name: "AccessDenied", $metadata: {} }), "INTERNAL_ERROR"],
};

export function thrownContract(test: ContractTest): void {
  const start = (harness: Harness, handlers: readonly AnyHandler[]) => startPipeline({ harness, handlers });

  test("P5 P12 whatever a handler says reaches its followers as messages of the protocol, or is refused to it by name", async (harness) => {
    const refused: unknown[] = [];
    const says = defineHandler({
      action: "says",
      input: anything,
      estimate: 60_000,
      progress: { intervalMs: 1, maxUpdates: 1, minIntervalMs: 1 },
      run: async (_, ctx) => {
        const report = ctx.report as (...said: readonly unknown[]) => void;
        const odd: readonly (readonly unknown[])[] = [
          [undefined],
          ["60"],
          [{}],
          [10, 42],
          [11, `${"x".repeat(1_023)}😀`],
          [12, "half \ud83d"],
          [13, "fine", { stage: "" }],
          [14, "fine", { stage: `${"s".repeat(127)}😀` }],
          [15, "fine", "no object"],
          [16, "fine", null],
        ];
        for (const said of odd) {
          report(...said);
          await harness.clock.advance(10);
        }
        for (const stream of ["", "s".repeat(129), "half \ud83d", 7]) {
          await ctx.partial(stream as string, 1).catch((error: unknown) => refused.push(error));
        }
        await ctx.partial("rows", "half \ud83d");
        return "done";
      },
    });
    const { connect, until } = await start(harness, [says]);
    const client = await connect();
    await client.send({ type: "request", id: "r1", action: "says", payload: {} });
    // Reading what was received refuses whatever is no message.
    await until("complete", () => client.last("complete") !== undefined);
    expect(client.last("complete")).toMatchObject({ result: "done", metadata: { attempts: 1 } });
    expect(refused).toHaveLength(4);
    for (const error of refused) expect(String(error)).toMatch(/TypeError: The stream of a partial/);
    const percentages = client.story("r1").flatMap((message) => (message.type === "progress" ? [message.percentage] : []));
    expect(percentages).toEqual(percentages.toSorted((a, b) => a - b));
  });

  for (const mode of ["async", "sync"] as const) {
    test(`P2 P12 whatever a handler throws ends its run as an error that can be read: ${mode}`, async (harness) => {
      let runs = 0;
      const handlers = Object.entries(THROWN).map(([action, [make]]) =>
        defineHandler({
          action,
          input: anything,
          estimate: 60_000,
          retry: { maxAttempts: 1 },
          run: () => {
            runs += 1;
            throw make();
          },
        }),
      );
      const { connect, until } = await start(harness, handlers);
      const client = await connect();
      for (const [action, [, said]] of Object.entries(THROWN)) {
        await client.send({ type: "request", id: action, action, payload: {}, options: { mode } });
        const end = () =>
          client.received.find((message) => (message.type === "error" || message.type === "response") && message.request_id === action);
        await until(`${action} has ended`, () => end() !== undefined);
        const { error } = end() as { error?: { code: string; message: string } };
        expect([action, error?.message.length]).toEqual([action, expect.any(Number)]);
        expect(error!.message).toMatch(said);
        expect(error!.message.length).toBeLessThanOrEqual(1_024);
      }
      expect(runs).toBe(handlers.length);
    });
  }

  for (const mode of ["async", "sync"] as const) {
    test(`P12 what no author wrote is told by an id that the log explains, and by nothing else: ${mode}`, async (harness) => {
      const lines: LogFields[] = [];
      const note = (fields: LogFields): void => void lines.push(fields);
      const handlers = Object.entries(FAULTS).map(([action, [make]]) =>
        defineHandler({
          action,
          input: anything,
          estimate: 60_000,
          retry: { maxAttempts: 2, baseMs: 1, capMs: 1 },
          run: () => {
            throw make();
          },
        }),
      );
      const log = { debug: note, info: note, warn: note, error: note };
      const { connect, until } = await startPipeline({ harness, handlers, instead: { log } });
      const client = await connect();
      for (const [action, [, code]] of Object.entries(FAULTS)) {
        await client.send({ type: "request", id: action, action, payload: {}, options: { mode } });
        await until(`${action} has ended`, () => client.last("error")?.request_id === action);
        const errors = client.story(action).flatMap((message) => ("error" in message ? [message.error] : []));
        expect([action, errors.map(({ code: told }) => told)]).toEqual([action, [code, code]]);
        for (const { details, retry } of errors) {
          const line = lines.find(({ error_id: id }) => id === details?.["error_id"]);
          expect(line).toMatchObject({ request_id: action, action, err: { message: expect.stringContaining(SECRET) } });
          if (code === "SERVICE_UNAVAILABLE") expect(retry?.after_ms).toBeGreaterThan(0);
        }
      }
      expect(client.end.received.join("")).not.toContain(SECRET);
    });
  }

  for (const mode of ["async", "sync"] as const) {
    test(`what a handler's author throws is logged at each attempt, with the stack and without the payload: ${mode}`, async (harness) => {
      const lines: (LogFields & { readonly text: string })[] = [];
      const note = (fields: LogFields, text: string): void => void lines.push({ ...fields, text });
      const fails = defineHandler({
        action: "fails",
        input: anything,
        estimate: 60_000,
        retry: { maxAttempts: 2, baseMs: 1, capMs: 1 },
        run: (input) => {
          throw Object.assign(new Error("the API is down"), { input, details: { input } });
        },
      });
      const log = { debug: note, info: note, warn: note, error: note };
      const { connect, until } = await startPipeline({ harness, handlers: [fails], instead: { log } });
      const client = await connect();
      const payload = { text: "only the handler's" };
      await client.send({ type: "request", id: "r1", action: "fails", payload, options: { mode } });
      await until("it has failed", () => client.last("error")?.request_id === "r1");
      const told = lines.filter(({ text }) => text.startsWith("a handler failed"));
      const about = { request_id: "r1", action: "fails", err: { message: "the API is down" } };
      expect(told).toMatchObject([
        { ...about, attempt: 1, retry_in_ms: expect.any(Number) },
        { ...about, attempt: 2, code: "PROCESSING_FAILED" },
      ]);
      for (const { err } of told) {
        expect((err as Error).stack).toContain("thrown.ts");
        expect(JSON.stringify(Object.entries(err as object))).not.toContain(payload.text);
      }
    });
  }

  test("P12 what middleware and schemas fail by is told by an id, too", async (harness) => {
    const lines: LogFields[] = [];
    const note = (fields: LogFields): void => void lines.push(fields);
    const fail = (): never => {
      throw systemError("EMFILE");
    };
    const work = (action: string, input = anything): AnyHandler => defineHandler({ action, input, estimate: 60_000, run: () => 1 });
    const schema = { "~standard": { ...anything["~standard"], validate: fail } } as typeof anything;
    const { connect } = await startPipeline({
      harness,
      handlers: [work("asked"), work("read", schema)],
      middleware: [{ name: "quota", admit: ({ handler }) => void (handler.action === "asked" && fail()) }],
      instead: { log: { debug: note, info: note, warn: note, error: note } },
    });
    const client = await connect();
    for (const [action, code] of [
      ["asked", "INTERNAL_ERROR"],
      ["read", "SERVICE_UNAVAILABLE"],
    ] as const) {
      await client.send({ type: "request", id: action, action, payload: {} });
      const { error } = client.last("error")!;
      expect(error).toMatchObject({ code, details: { error_id: expect.any(String) } });
      const line = lines.find(({ error_id: id }) => id === error.details!["error_id"]);
      expect(line).toMatchObject({ request_id: action, err: { message: expect.stringContaining(SECRET) } });
    }
    expect(client.end.received.join("")).not.toContain(SECRET);
  });

  test("a handler whose folder could not be made once may ask for it again, and has it removed", async (harness) => {
    let asked = 0;
    const removed: string[] = [];
    const scratch = async () => {
      asked += 1;
      if (asked === 1) throw new Error("no space for now");
      return { path: `folder ${asked}`, remove: async () => void removed.push(`folder ${asked}`) };
    };
    const handler = defineHandler({
      action: "persistent",
      input: anything,
      estimate: 60_000,
      run: async (_, ctx) => {
        const [first] = await Promise.all([ctx.scratch().catch(String), ctx.scratch().catch(String)]);
        return [first, await ctx.scratch(), await ctx.scratch()];
      },
    });
    const { connect, until } = await start({ ...harness, engine: { ...harness.engine, scratch } }, [handler]);
    const client = await connect();
    await client.send({ type: "request", id: "r1", action: "persistent", payload: {} });
    await until("complete", () => client.last("complete") !== undefined);
    expect(client.last("complete")?.result).toEqual(["Error: no space for now", "folder 2", "folder 2"]);
    expect(removed).toEqual(["folder 2"]);
  });

  test("P9 RetryAfter waits whole milliseconds, and leaves what is no time to the handler's own backoff", async (harness) => {
    const waits: Readonly<Record<string, number>> = {
      fraction: 12.5,
      no_number: Number.NaN,
      negative: -5,
      endless: Infinity,
      date: 1.8e12,
    };
    const handlers = Object.entries(waits).map(([action, ms]) =>
      defineHandler({
        action,
        input: anything,
        estimate: 60_000,
        retry: { maxAttempts: 2, baseMs: 50, capMs: 50 },
        run: (_, ctx) => {
          if (ctx.request.attempt === 1) throw new RetryAfter(ms);
          return "done";
        },
      }),
    );
    const { connect, until } = await start(harness, handlers);
    const client = await connect();
    for (const action of Object.keys(waits)) {
      await client.send({ type: "request", id: action, action, payload: {} });
      await until(`${action} waits`, () => client.last("retrying")?.request_id === action);
      const { retry_at: retryAt, timestamp, error } = client.last("retrying")!;
      if (action === "date") {
        expect(retryAt - timestamp).toBeGreaterThan(30 * 86_400_000);
        expect(error.message).toContain("more than 31 days");
        continue;
      }
      expect(retryAt - timestamp).toBeLessThanOrEqual(60);
      expect(error.message.includes("backoff")).toBe(action !== "fraction");
      await until(`${action} is done`, () => client.last("complete")?.request_id === action);
    }
  });
}
