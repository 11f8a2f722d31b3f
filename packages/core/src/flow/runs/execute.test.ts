import { expect, it } from "vitest";
import { defineHandler } from "../../handler.ts";
import type { Middleware } from "../../middleware.ts";
import { createExecute } from "./execute.ts";
import type { Call } from "./run.ts";

const input = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } } as const;
type Engine = Parameters<typeof createExecute>[0]["engine"];

/** What becomes of `run`, and of the modules that were run elsewhere. */
function execute(
  run: () => unknown,
  {
    isolate,
    network,
    isolation = true,
    middleware = [] as readonly Middleware[],
    ...terms
  }: {
    readonly isolate?: string;
    readonly network?: boolean;
    readonly isolation?: boolean;
    readonly middleware?: readonly Middleware[];
    readonly input?: { readonly invalid: Error };
  } = {},
) {
  const elsewhere: unknown[] = [];
  const engine = {
    ...(isolation && {
      isolation: {
        run: async ({ module, action, input: given, network: has }: Record<string, unknown>) =>
          void elsewhere.push([module, action, given, ...(has === undefined ? [] : [has])]),
      },
    }),
  } as unknown as Engine;
  const handler = defineHandler({
    action: "work",
    input,
    run,
    ...(isolate !== undefined && { isolate }),
    ...(network !== undefined && { network }),
  });
  const ending = createExecute({ engine, middleware, checkRoom: async () => {} }).execute({
    handler,
    input: { value: 7 },
    ...terms,
  } as unknown as Call);
  return { ending, elsewhere };
}

it("runs a handler here unless it is isolated and the engine can isolate", async () => {
  expect(execute(() => "here")).toEqual({ ending: { kind: "returned", result: "here" }, elsewhere: [] });
  expect(execute(() => "here", { isolate: "a.ts", isolation: false }).ending).toEqual({ kind: "returned", result: "here" });
  const isolated = execute(() => "here", { isolate: "a.ts" });
  expect(await isolated.ending).toEqual({ kind: "returned", result: undefined });
  expect(isolated.elsewhere).toEqual([["a.ts", "work", 7]]);
  expect(execute(() => "here", { isolate: "a.ts", network: false }).elsewhere).toEqual([["a.ts", "work", 7, false]]);
});

it("P2 answers with an ending however the handler ends, and at once where it does", async () => {
  const error = new Error("no");
  const fail = (): never => {
    throw error;
  };
  expect(execute(fail).ending).toEqual({ kind: "threw", error });
  expect(await execute(() => Promise.reject(error)).ending).toEqual({ kind: "threw", error });
  expect(await execute(async () => 3).ending).toEqual({ kind: "returned", result: 3 });
  for (const result of [null, 3, "then", {}]) expect(execute(() => result).ending).toEqual({ kind: "returned", result });
  expect(execute(fail, { input: { invalid: error } }).ending).toEqual({ kind: "threw", error });
});

it("runs inside the middleware that wraps runs", async () => {
  const wrap: Middleware = { name: "wrap", run: async (_, next) => [await next()] };
  const { ending } = execute(() => 3, { middleware: [{ name: "admits", admit: () => {} }, wrap] });
  expect(await ending).toEqual({ kind: "returned", result: [3] });
});
