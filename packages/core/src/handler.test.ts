import * as v from "valibot";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { defineHandler } from "./handler.ts";
import { DEFAULT_RETRY } from "./rules/retry.ts";
import { register } from "./rules/registration.ts";
import { validate } from "./rules/validation.ts";

const run = () => 1;
const input = z.object({ name: z.string() });

describe("defineHandler", () => {
  it("types input and result from any Standard Schema", () => {
    const zod = defineHandler({
      action: "greet",
      input: z.object({ times: z.string().transform(Number) }),
      run: ({ times }) => ({ sum: times + 1 }),
    });
    expectTypeOf(zod.action).toEqualTypeOf<"greet">();
    expectTypeOf<NonNullable<(typeof zod)["~types"]>>().toEqualTypeOf<{
      readonly input: { times: string };
      readonly output: { sum: number };
    }>();
    const valibot = defineHandler({ action: "greet_again", input: v.object({ name: v.string() }), run: ({ name }) => name.length });
    expectTypeOf<NonNullable<(typeof valibot)["~types"]>["output"]>().toEqualTypeOf<number>();
  });

  it.each([
    ["an action that is no name", { action: "Resize Images", input, run }, /lower-case words/],
    ["a missing schema", { action: "greet", run }, /Standard Schema, such as z\.object/],
    ["an output that is no schema", { action: "greet", input, output: {}, run }, /`output` must be a Standard Schema/],
    ["a missing run", { action: "greet", input }, /`run` must be a function/],
    ["a negative estimate", { action: "greet", input, run, estimate: -1 }, /`estimate` must be milliseconds/],
    ["a timeout of nothing", { action: "greet", input, run, timeoutMs: 0 }, /`timeoutMs` must be a positive number/],
    ["a timeout that is no number", { action: "greet", input, run, timeoutMs: Number.NaN }, /`timeoutMs` must be .*; it is NaN/],
    ["a timeout without end", { action: "greet", input, run, timeoutMs: Infinity }, /`timeoutMs` must be .*; it is Infinity/],
    ["a timeout of more than a week", { action: "greet", input, run, timeoutMs: 8 * 86_400_000 }, /from 1 to 604800000; it is/],
    ["a timeout that is a text", { action: "greet", input, run, timeoutMs: "5000" }, /`timeoutMs` .*; it is of type string/],
    ["an endless estimate", { action: "greet", input, run, estimate: Infinity }, /`estimate` must be milliseconds/],
    ["an estimate that is no number", { action: "greet", input, run, estimate: Number.NaN }, /`estimate` must be milliseconds/],
    ["half an attempt", { action: "greet", input, run, retry: { maxAttempts: 2.5 } }, /`retry.maxAttempts` must be/],
    ["no attempt", { action: "greet", input, run, retry: { maxAttempts: 0 } }, /`retry.maxAttempts` must be/],
    ["endless attempts", { action: "greet", input, run, retry: { maxAttempts: Infinity } }, /`retry.maxAttempts` must be/],
    ["a backoff that is no number", { action: "greet", input, run, retry: { baseMs: Number.NaN } }, /`retry.baseMs` must be/],
    ["an endless backoff", { action: "greet", input, run, retry: { capMs: Infinity } }, /`retry.capMs` must be/],
    ["a retry that is none", { action: "greet", input, run, retry: 3 }, /`retry` must be an object/],
    ["a negative interval", { action: "greet", input, run, progress: { intervalMs: -1 } }, /`progress.intervalMs` must be/],
    ["no updates", { action: "greet", input, run, progress: { maxUpdates: 0 } }, /`progress.maxUpdates` must be/],
    ["more updates than travel", { action: "greet", input, run, progress: { maxUpdates: 65 } }, /`progress.maxUpdates` .*to 64/],
    ["more than all", { action: "greet", input, run, progress: { urgentAbove: 101 } }, /`progress.urgentAbove` must be/],
    ["half a run at once", { action: "greet", input, run, concurrency: { total: 0.5 } }, /`concurrency.total` must be/],
    ["endless runs at once", { action: "greet", input, run, concurrency: { total: Infinity } }, /`concurrency.total` must be/],
    ["a priority of ten", { action: "greet", input, run, maxPriority: 10 }, /`maxPriority` must be/],
    [
      "a retry of a name that is none",
      { action: "greet", input, run, retry: { attempts: 3 } },
      /no `retry.attempts`; known are maxAttempts/,
    ],
    ["a permission that is no list", { action: "greet", input, run, permissions: "admin" }, /`permissions` must be a list/],
    ["a permission without a name", { action: "greet", input, run, permissions: ["admin", ""] }, /`permissions` must be a list of names/],
    ["a permission that is no text", { action: "greet", input, run, permissions: [1] }, /`permissions` must be a list of names/],
    ["a description that is no text", { action: "greet", input, run, description: 3 }, /`description` must be a text, or be left out/],
    ["a network that is no yes or no", { action: "greet", input, run, network: "none" }, /`network` must be true or false/],
    ["percentages of something else", { action: "greet", input, run, percentages: "rows" }, /`percentages` must be "work" or "time"/],
    ["a module that is no text", { action: "greet", input, run, isolate: new URL("file:///a.ts") }, /`isolate` must be a text/],
    ["an action that is a symbol", { action: Symbol("a"), input, run }, /lower-case words/],
    ["a concurrency of nothing", { action: "greet", input, run, concurrency: { perTenant: 0 } }, /`concurrency.perTenant` must be/],
  ])("refuses %s and says what to do", (_, definition, problem) => {
    expect(() => defineHandler(definition as never)).toThrow(problem);
  });

  it("rounds a time up to whole milliseconds, as RetryAfter does", () => {
    expect(defineHandler({ action: "greet", input, run, timeoutMs: 1500.5 }).timeoutMs).toBe(1_501);
  });

  it("takes a member that is undefined for one that is left out", () => {
    const options = { retry: { maxAttempts: 5, baseMs: undefined }, progress: { intervalMs: undefined }, timeoutMs: undefined };
    const handler = defineHandler({ action: "greet", input, run, ...options } as never) as { retry?: object; progress?: object };
    expect({ ...DEFAULT_RETRY, ...handler.retry }).toEqual({ ...DEFAULT_RETRY, maxAttempts: 5 });
    expect(handler.progress).toEqual({});
  });

  it("refuses two handlers of one action, and none at all", () => {
    const greet = defineHandler({ action: "greet", input, run });
    expect(() => register([greet, greet])).toThrow(/"greet": another handler is registered/);
    expect(() => register([])).toThrow(/No handlers/);
  });
});

describe("validation", () => {
  it("lists every issue with its path inside the payload", async () => {
    const schema = z.object({ items: z.array(z.object({ id: z.number() })), name: z.string() });
    const checked = await validate(schema, { items: [{ id: 1 }, { id: "x" }] });
    expect(checked).toMatchObject({
      ok: false,
      issues: [{ path: ["payload", "items", 1, "id"] }, { path: ["payload", "name"] }],
    });
  });
});
