import type { JsonValue } from "@streamer/protocol";
import { expect, expectTypeOf, test } from "vitest";
import { createHandlers, type BulkResult, type Health, type ReportResult } from "../src/index.ts";

const handlers = createHandlers({ dataFolder: "never-made", reports: { dataFolder: "never-read" } });

test("the shipped handlers are one tuple with distinct actions", () => {
  expect(handlers.map(({ action }) => action)).toEqual(["generate_report", "bulk_operation", "echo", "health"]);
});

test("clients can be typed by it: action, input and output of each", () => {
  type OutputOf<Action> = NonNullable<Extract<(typeof handlers)[number], { readonly action: Action }>["~types"]>["output"];
  expectTypeOf<OutputOf<"echo">>().toEqualTypeOf<JsonValue>();
  expectTypeOf<OutputOf<"health">>().toEqualTypeOf<Health>();
  expectTypeOf<OutputOf<"generate_report">>().toEqualTypeOf<ReportResult>();
  expectTypeOf<OutputOf<"bulk_operation">>().toEqualTypeOf<BulkResult>();
});
