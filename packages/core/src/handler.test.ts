import * as v from "valibot";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { defineHandler } from "./handler.ts";
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
    ["a concurrency of nothing", { action: "greet", input, run, concurrency: { perTenant: 0 } }, /`concurrency.perTenant` must be/],
  ])("refuses %s and says what to do", (_, definition, problem) => {
    expect(() => defineHandler(definition as never)).toThrow(problem);
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
