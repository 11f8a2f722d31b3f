import { describe, expect, it } from "vitest";
import { wireError } from "@streamer/protocol";
import { createManualClock } from "@streamer/contract/clock";
import { Fatal, StreamerError, WorkerDied } from "../errors.ts";
import type { LogFields } from "../ports/log.ts";
import type { Decision } from "../rules/outcome.ts";
import { createFaults } from "./faults.ts";

function setUp() {
  const lines: LogFields[] = [];
  const told: (readonly [string, LogFields])[] = [];
  const log = {
    error: (fields: LogFields) => void lines.push(fields),
    warn: (fields: LogFields, message: string) => void told.push([message, fields]),
  };
  const clock = createManualClock();
  return { lines, told, clock, faults: createFaults({ log, clock, random: () => 0.25 }) };
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
  expect(faults.ofHandler("its own words", "r1", { action: "a", attempt: 1 })).toBe("its own words");
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

describe("a run that failed", () => {
  const run = { requestId: "r1", action: "import", attempt: 2 };
  const error = wireError("PROCESSING_FAILED", "down");
  const retry: Decision = { kind: "retry", afterMs: 1_000.4, error };
  const fail: Decision = { kind: "fail", error };
  const threw = (thrown: unknown) => ({ kind: "threw", error: thrown }) as const;

  it("is logged with its stack, its causes, and what follows", () => {
    const { told, faults } = setUp();
    const thrown = new Error("the API is down", { cause: new Error("refused", { cause: "a text" }) });
    faults.failed(threw(thrown), retry, run);
    faults.failed(threw(new Fatal("no such order")), fail, run);
    faults.failed(threw(new WorkerDied("killed")), { kind: "release", crashed: true }, run);
    const about = { request_id: "r1", action: "import", attempt: 2 };
    expect(told).toMatchObject([
      ["a handler failed; it is tried again", { ...about, retry_in_ms: 1_000, err: { message: "the API is down" } }],
      ["a handler failed; its request has failed", { ...about, code: "PROCESSING_FAILED", err: { name: "Fatal" } }],
      ["the process of a handler died; its request runs again", { ...about, err: { message: "killed" } }],
    ]);
    const { stack } = told[0]![1]["err"] as Error;
    expect(stack).toMatch(
      /^Error: the API is down\n {4}at .*faults\.test\.ts[^]*\ncaused by Error: refused\n[^]*\ncaused by Error: a text/,
    );
  });

  it("for its time, or by what it returned, is logged with the reason alone", () => {
    const { told, faults } = setUp();
    faults.failed({ kind: "abandoned" }, { kind: "fail", error: wireError("TIMEOUT", "took too long") }, run);
    faults.failed({ kind: "abandoned" }, { kind: "release", crashed: false }, run);
    expect(told).toMatchObject([["a handler failed; its request has failed", { code: "TIMEOUT", reason: "took too long" }]]);
  });

  it("is no line when it did not fail, or when a fault was logged as one", () => {
    const { told, lines, faults } = setUp();
    const others: Decision[] = [{ kind: "complete", result: 1 }, { kind: "wait", afterMs: 1 }, { kind: "cancel" }, { kind: "drop" }];
    for (const decision of others) faults.failed({ kind: "returned", result: 1 }, decision, run);
    faults.ofHandler(new TypeError("x is undefined"), "r1", run);
    faults.failed(threw(new TypeError("x is undefined")), retry, run);
    expect(told).toEqual([]);
    expect(lines).toMatchObject([{ request_id: "r1", action: "import", attempt: 2, err: { name: "TypeError" } }]);
  });

  it("takes nothing along that hangs on the error, and no more than so much of it", () => {
    const { told, faults } = setUp();
    const thrown = Object.assign(new Error("x".repeat(10_000)), { config: { data: "the payload" }, response: { body: "secret" } });
    Object.assign(thrown, { cause: Object.assign(new Error("inner"), { input: "the payload", stack: undefined }) });
    faults.failed(threw(thrown), retry, run);
    faults.failed(threw(Object.assign(new Error("none"), { stack: undefined, cause: thrown })), retry, run);
    for (const [, fields] of told) {
      const err = fields["err"] as Error;
      expect(Object.keys(err)).toEqual(["name"]);
      expect([err.message.length <= 1_024, err.stack!.length <= 4_096]).toEqual([true, true]);
      expect(err.stack).not.toContain("payload");
    }
    expect((told[1]![1]["err"] as Error).stack).toMatch(/^Error: none\ncaused by Error: x+/);
  });

  it("again and again is logged so often at a time and then counted, each action by itself; a fault keeps its line", async () => {
    const { told, lines, clock, faults } = setUp();
    for (let n = 0; n < 50; n += 1) faults.failed(threw(new Error("down")), retry, run);
    faults.failed(threw(new Error("down")), retry, { ...run, action: "other" });
    expect(told).toHaveLength(21);
    faults.ofHandler(new TypeError("x is undefined"), "r1", run);
    expect(lines).toMatchObject([{ error_id: expect.any(String) as string, err: { message: "x is undefined" } }]);
    await clock.advance(10_000);
    expect(told.at(-1)).toEqual(["a handler failed more often than is logged with its stack", { action: "import", failures: 31 }]);
    for (let n = 0; n < 50; n += 1) faults.failed(threw(new Error("down")), retry, run);
    expect(told).toHaveLength(32);
    await clock.advance(10_000);
    expect(told.at(-1)![1]).toEqual({ action: "import", failures: 40 });
  });
});
