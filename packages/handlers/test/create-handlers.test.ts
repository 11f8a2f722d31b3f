import { mkdirSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

test("P10 data that users may have read neither holds what the server keeps, nor lies in it, whatever links lead there", () => {
  const folder = mkdtempSync(join(tmpdir(), "streamer-apart-"));
  mkdirSync(join(folder, "data"));
  symlinkSync(folder, join(folder, "data", "up"));
  const make = (data: string, own: string) => () =>
    createHandlers({ dataFolder: join(folder, own), reports: { dataFolder: join(folder, data) } });
  expect(make(".", "streamer-data")).toThrow(/holds the server's own folder .* any user could read its keys/);
  expect(make("data", "data")).toThrow(/holds the server's own folder/);
  expect(make("data/up", "streamer-data")).toThrow(/holds the server's own folder/);
  expect(make("streamer-data/blobs", "streamer-data")).toThrow(/lies in the server's own folder/);
  expect(make("data", "streamer-data")).not.toThrow();
  expect(make("data", "data-of-the-server")).not.toThrow();
  expect(make("streamer-data/sample-shop", "streamer-data")).not.toThrow();
});
