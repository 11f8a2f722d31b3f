import type { JsonValue } from "@streamer/protocol";
import { expect, expectTypeOf, test } from "vitest";
import { createHandlers, type BulkResult, type Health } from "../src/index.ts";

const handlers = createHandlers({ dataFolder: "never-made" });

test("the shipped handlers are one tuple with distinct actions", () => {
  expect(handlers.map(({ action }) => action)).toEqual(["echo", "health", "bulk_operation"]);
});

test("clients can be typed by it: action, input and output of each", () => {
  type OutputOf<Action> = NonNullable<Extract<(typeof handlers)[number], { readonly action: Action }>["~types"]>["output"];
  expectTypeOf<OutputOf<"echo">>().toEqualTypeOf<JsonValue>();
  expectTypeOf<OutputOf<"health">>().toEqualTypeOf<Health>();
  expectTypeOf<OutputOf<"bulk_operation">>().toEqualTypeOf<BulkResult>();
});
