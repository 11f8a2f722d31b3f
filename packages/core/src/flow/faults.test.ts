import { expect, it } from "vitest";
import { StreamerError } from "../errors.ts";
import type { LogFields } from "../ports/log.ts";
import { createFaults } from "./faults.ts";

function setUp() {
  const lines: LogFields[] = [];
  const faults = createFaults({ log: { error: (fields) => void lines.push(fields) }, random: () => 0.25 });
  return { lines, faults };
}

it("P12 one error that is told to several is one line of the log, under one id", () => {
  const { lines, faults } = setUp();
  const error = new TypeError("of the program");
  const told = [faults.refusal(error, "r1"), faults.refusal(error, "r2")];
  expect(told[0]).toEqual(told[1]);
  expect(lines).toEqual([{ request_id: "r1", error_id: told[0]!.details!["error_id"], err: error }]);
});

it("P12 what was thrown without being an error is a fault where nobody may throw, each a line of its own", () => {
  const { lines, faults } = setUp();
  for (let n = 0; n < 2; n += 1) expect(faults.refusal("no error at all", "r1")).toMatchObject({ code: "INTERNAL_ERROR" });
  expect(lines).toMatchObject([{ err: { message: "no error at all" } }, { err: { message: "no error at all" } }]);
  expect(faults.ofHandler("its own words", "r1", {})).toBe("its own words");
  expect(lines).toHaveLength(2);
});

it("P12 a refusal is told as it is, and why the store failed by an id", () => {
  const { lines, faults } = setUp();
  expect(faults.refusal(new StreamerError("NOT_FOUND", "none"), "r1")).toMatchObject({ code: "NOT_FOUND", message: "none" });
  expect(lines).toEqual([]);
  const failure = new StreamerError("STORAGE_ERROR", "refused", { cause: new Error("disk I/O error") });
  expect(faults.refusal(failure, "r1")).toMatchObject({
    code: "STORAGE_ERROR",
    message: "refused",
    details: { error_id: expect.any(String) },
  });
  expect(lines).toMatchObject([{ err: { message: "refused" } }]);
});
