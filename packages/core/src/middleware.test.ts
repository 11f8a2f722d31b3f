import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Fatal, isStreamerError, RetryAfter, StreamerError } from "./errors.ts";
import { defineHandler } from "./handler.ts";
import { checkMiddleware, createAdmit, logging, wrapRun, type Admission, type Invocation, type Middleware } from "./middleware.ts";

const handler = defineHandler({ action: "work", input: z.object({}), run: () => 1 });
const admission = { handler, requestId: "r", input: {}, connection: { permissions: [] } } as unknown as Admission;
const refuse = (thrown: unknown): Middleware => ({
  name: "gate",
  admit: () => {
    throw thrown;
  },
});
const refusalBy = (middleware: Middleware): Promise<unknown> =>
  Promise.resolve(createAdmit([middleware])(admission)).then(
    () => "admitted",
    (error: unknown) => (isStreamerError(error) ? { code: error.code, message: error.message, afterMs: error.afterMs } : error),
  );

describe("admit", () => {
  it("refuses with what was thrown for that", async () => {
    expect(await refusalBy(refuse(new StreamerError("RATE_LIMITED", "later", { afterMs: 5 })))).toEqual({
      code: "RATE_LIMITED",
      message: "later",
      afterMs: 5,
    });
    expect(await refusalBy(refuse(new Fatal("no", { code: "FORBIDDEN" })))).toMatchObject({ code: "FORBIDDEN", message: "no" });
    expect(await refusalBy(refuse(new RetryAfter(12.5, "busy")))).toMatchObject({ code: "RATE_LIMITED", message: "busy", afterMs: 13 });
    expect(await refusalBy(refuse(new RetryAfter(Number.NaN)))).toMatchObject({ code: "RATE_LIMITED", afterMs: undefined });
    expect(await refusalBy({ name: "async", admit: () => Promise.reject(new Fatal("no", { code: "UNAUTHORIZED" })) })).toMatchObject({
      code: "UNAUTHORIZED",
    });
    const details = { row: 3 };
    await expect(createAdmit([refuse(new Fatal("no", { code: "FORBIDDEN", details }))])(admission)).rejects.toMatchObject({ details });
    expect(await refusalBy({ name: "none" })).toBe("admitted");
  });

  it.each([undefined, null, "text", Symbol("s"), Object.create(null), new Proxy({}, { get: () => ({}) }), new Error("down")])(
    "%s is a fault of the middleware, by its name",
    async (thrown) => {
      const error = await refusalBy(refuse(thrown));
      expect(error).toBeInstanceOf(Error);
      expect((error as Error).message).toMatch(/^Middleware "gate" failed to admit a request: ./);
    },
  );

  it("asks in turn, and no further than a refusal", async () => {
    const asked: string[] = [];
    const note = (name: string): Middleware => ({ name, admit: () => void asked.push(name) });
    await createAdmit([note("a"), { name: "b" }, note("c")])(admission);
    await expect(createAdmit([note("d"), refuse(1), note("e")])(admission)).rejects.toThrow("failed to admit");
    expect(asked).toEqual(["a", "c", "d"]);
  });
});

describe("run", () => {
  const invocation = { handler, input: {} } as unknown as Invocation;
  const around = (name: string, said: string[]): Middleware => ({
    name,
    run: async (_, next) => {
      said.push(`${name} before`);
      const result = await next();
      said.push(`${name} after`);
      return result;
    },
  });

  it("wraps from the outside in", async () => {
    const said: string[] = [];
    const result = await wrapRun([around("a", said), { name: "none" }, around("b", said)], invocation, async () => {
      said.push("handler");
      return 7;
    });
    expect([result, said]).toEqual([7, ["a before", "b before", "handler", "b after", "a after"]]);
  });

  it("rejects when a wrapper throws, even at once, and answers for one that does not go on", async () => {
    const throws: Middleware = {
      name: "throws",
      run: () => {
        throw new Error("at once");
      },
    };
    const stops = { name: "stops", run: () => 3 as never };
    await expect(wrapRun([throws], invocation, async () => 1)).rejects.toThrow("at once");
    await expect(wrapRun([around("a", []), throws], invocation, async () => 1)).rejects.toThrow("at once");
    expect(await wrapRun([stops], invocation, () => Promise.reject(new Error("ran")))).toBe(3);
  });

  it("runs a handler once, however often a wrapper asks", async () => {
    let runs = 0;
    const again: Middleware = { name: "again", run: async (_, next) => [await next(), await next()] };
    const ran = wrapRun([again], invocation, async () => {
      runs += 1;
    });
    await expect(ran).rejects.toThrow(/"again" called next\(\) again/);
    expect(runs).toBe(1);
  });
});

it("refuses by name what is no middleware", () => {
  const ok = { name: "ok" };
  expect(checkMiddleware([ok, logging])).toEqual([ok, logging]);
  const check = (...list: unknown[]) => checkMiddleware(list as Middleware[]);
  expect(() => check(ok, undefined)).toThrow("Middleware 2 of the list needs a `name`.");
  expect(() => check({ name: "" })).toThrow(/needs a `name`/);
  expect(() => check({ name: "odd", admit: true })).toThrow('Middleware "odd": `admit` must be a function.');
  expect(() => check({ name: "odd", run: {} })).toThrow('Middleware "odd": `run` must be a function.');
});

describe("logging", () => {
  const lines: unknown[] = [];
  const at = (level: string) => (fields: object, text: string) => void lines.push([level, text, fields]);
  const log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  const around = (innermost: () => Promise<unknown>): Promise<unknown> => {
    lines.length = 0;
    return wrapRun([logging], { handler, input: {}, ctx: { log } } as unknown as Invocation, innermost);
  };

  it("tells of a run's beginning and end, and hands on its result", async () => {
    expect(await around(() => Promise.resolve("done"))).toBe("done");
    expect(lines).toEqual([
      ["debug", "run started", {}],
      ["info", "run finished", { run_ms: expect.any(Number) }],
    ]);
    const [, , { run_ms: runMs }] = lines[1] as [string, string, { run_ms: number }];
    expect(runMs).toBeGreaterThanOrEqual(0);
    expect(runMs).toBeLessThan(10_000);
  });

  it("tells of a failure, not why, and hands it on", async () => {
    const error = new Error("disk full");
    await expect(around(() => Promise.reject(error))).rejects.toBe(error);
    expect(lines.at(-1)).toEqual(["info", "run failed", { run_ms: expect.any(Number) }]);
  });
});
