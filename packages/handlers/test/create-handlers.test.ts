import type { JsonValue } from "@streamer/protocol";
import { expect, expectTypeOf, test } from "vitest";
import { createHandlers, type AppendResult, type BulkResult, type Health, type ProcessResult, type ReportResult } from "../src/index.ts";

const handlers = createHandlers({ dataFolder: "never-made", reports: { dataFolder: "never-read" } });

test("the shipped handlers are one tuple with distinct actions", () => {
  expect(handlers.map(({ action }) => action)).toEqual([
    "generate_report",
    "process_data",
    "append_rows",
    "bulk_operation",
    "echo",
    "health",
  ]);
});

test("clients can be typed by it: action, input and output of each", () => {
  type OutputOf<Action> = NonNullable<Extract<(typeof handlers)[number], { readonly action: Action }>["~types"]>["output"];
  expectTypeOf<OutputOf<"echo">>().toEqualTypeOf<JsonValue>();
  expectTypeOf<OutputOf<"health">>().toEqualTypeOf<Health>();
  expectTypeOf<OutputOf<"generate_report">>().toEqualTypeOf<ReportResult>();
  expectTypeOf<OutputOf<"process_data">>().toEqualTypeOf<ProcessResult>();
  expectTypeOf<OutputOf<"append_rows">>().toEqualTypeOf<AppendResult>();
  expectTypeOf<OutputOf<"bulk_operation">>().toEqualTypeOf<BulkResult>();
});
