import { describe, expect, it } from "vitest";
import { describeError, Fatal, NotYet, restoreError, RetryAfter, StreamerError, type StopReason } from "../errors.ts";
import { WorkerDied } from "../errors.ts";
import { decide, storable, type DecisionTerms, type Ending } from "./outcome.ts";
import { DEFAULT_RETRY } from "./retry.ts";

const claim = { requestId: "r1", failures: 0, crashes: 0, maxAttempts: 3, timeoutMs: 5_000 };
const after = (ending: Ending, more: Partial<DecisionTerms> = {}) =>
  decide(ending, { claim, stopped: undefined, retry: DEFAULT_RETRY, quarantineAfter: 3, random: () => 0.5, ...more });
const threw = (error: unknown): Ending => ({ kind: "threw", error });

describe("what follows from how a run ended", () => {
  it("completes with the result, even when it was told to stop meanwhile (P8 too late)", () => {
    expect(after({ kind: "returned", result: 7 }, { stopped: "cancelled" })).toEqual({ kind: "complete", result: 7 });
  });

  it("P9 retries an ordinary failure after a jittered backoff", () => {
    expect(after(threw(new Error("disk full")))).toMatchObject({
      kind: "retry",
      afterMs: 500,
      error: { code: "PROCESSING_FAILED", message: "disk full" },
    });
  });

  it("P9 fails when the attempts are used up", () => {
    expect(after(threw(new Error("disk full")), { claim: { ...claim, failures: 2 } })).toMatchObject({
      kind: "fail",
      error: { message: "disk full" },
    });
  });

  it("never retries a Fatal, and keeps its code and details", () => {
    const error = new Fatal("no such category", { code: "VALIDATION_ERROR", details: { known: ["a"] } });
    expect(after(threw(error))).toMatchObject({ kind: "fail", error: { code: "VALIDATION_ERROR", details: { known: ["a"] } } });
    expect(after(threw(new Fatal("gone")))).toMatchObject({ error: { code: "PROCESSING_FAILED", retry: { retryable: false } } });
  });

  it("P9 what is not there yet is waited for, and is no failure", () => {
    const last = { claim: { ...claim, failures: 2 } };
    expect(after(threw(new NotYet(5_000)), last)).toEqual({ kind: "wait", afterMs: 5_000 });
    expect(after(threw(restoreError(describeError(new NotYet(5_000)))), last)).toEqual({ kind: "wait", afterMs: 5_000 });
    const { afterMs: _, ...withoutTime } = describeError(new NotYet(5_000, "no rows"));
    expect(after(threw(restoreError(withoutTime)))).toEqual({ kind: "wait", afterMs: 1_000 });
    expect(after(threw(new NotYet(Number.NaN)))).toEqual({ kind: "wait", afterMs: 1_000 });
    expect(after(threw(new NotYet(5_000)), { stopped: "cancelled" })).toEqual({ kind: "cancel" });
    expect(after(threw(new NotYet(5_000)), { stopped: "shutting_down" })).toEqual({ kind: "release", crashed: false });
  });

  it("waits as long as RetryAfter says", () => {
    expect(after(threw(new RetryAfter(90_000)))).toMatchObject({ kind: "retry", afterMs: 90_000 });
  });

  it("keeps the code of a StreamerError", () => {
    expect(after(threw(new StreamerError("STORAGE_ERROR", "disk")))).toMatchObject({ kind: "retry", error: { code: "STORAGE_ERROR" } });
  });

  it("never tries again what is damaged: it would be no better then", () => {
    const error = { code: "DATA_LOSS", message: "gone", retry: { retryable: false } };
    expect(after(threw(new StreamerError("DATA_LOSS", "gone")))).toEqual({ kind: "fail", error });
  });

  it("P3 counts a dead process as a crash, and quarantines the third", () => {
    expect(after(threw(new WorkerDied("killed")))).toEqual({ kind: "release", crashed: true });
    expect(after(threw(new WorkerDied("killed")), { claim: { ...claim, crashes: 2 } })).toMatchObject({
      kind: "fail",
      error: { code: "PROCESSING_FAILED" },
    });
  });

  it.each<[StopReason, string]>([
    ["cancelled", "cancel"],
    ["lease_lost", "drop"],
    ["shutting_down", "release"],
    ["timed_out", "retry"],
  ])("told to stop (%s), it is: %s, whether the handler threw or never came back", (stopped, kind) => {
    expect(after(threw(new Error("aborted")), { stopped }).kind).toBe(kind);
    expect(after({ kind: "abandoned" }, { stopped }).kind).toBe(kind);
  });

  it("P13 a run that is handed back has not crashed", () => {
    expect(after(threw(new Error("aborted")), { stopped: "shutting_down" })).toEqual({ kind: "release", crashed: false });
  });

  it("P12 no stack leaves with an error", () => {
    const decision = after(threw(new Error("boom")));
    expect(JSON.stringify(decision)).not.toMatch(/at |\.ts/);
  });

  it("a run that outlived its process without a checkpoint has used up its time, and is told what to do", () => {
    const decision = after(threw(new Error("aborted")), { stopped: "out_of_time" });
    expect(decision).toMatchObject({
      kind: "retry",
      error: { code: "TIMEOUT", message: expect.stringMatching(/"r1" outlived .* ctx\.checkpoint/) },
    });
    expect(after({ kind: "abandoned" }, { stopped: "out_of_time", claim: { ...claim, maxAttempts: 1 } })).toMatchObject({ kind: "fail" });
  });

  it("one that was given up on untold is left to whoever takes it next", () => {
    expect(after({ kind: "abandoned" })).toEqual({ kind: "drop" });
  });

  it("says something of an error that says nothing", () => {
    expect(after(threw(new Error("")))).toMatchObject({ error: { message: "The handler failed without a message." } });
    expect(after(threw(new Fatal("")))).toMatchObject({ error: { message: "The handler failed without a message." } });
  });

  it("times out by its own limit, and passes on what a Fatal says of itself", () => {
    expect(after(threw(new Error("late")), { stopped: "timed_out" })).toMatchObject({
      error: { code: "TIMEOUT", message: 'The run of "r1" took longer than its timeout of 5000 ms.' },
    });
    const fatal = new Fatal("bad row", { code: "VALIDATION_ERROR", details: { row: 3 } });
    expect(after(threw(fatal))).toEqual({
      kind: "fail",
      error: { code: "VALIDATION_ERROR", message: "bad row", retry: { retryable: false }, details: { row: 3 } },
    });
  });
});

describe("a result that is to be stored", () => {
  it("is what it was, or the failure of its handler", () => {
    const returned = (result: unknown): Ending => ({ kind: "returned", result });
    expect(storable(returned({ a: 1 }), 10)).toEqual(returned({ a: 1 }));
    expect(storable(returned(undefined), 10)).toEqual(returned(undefined));
    expect(storable(threw("x".repeat(20)), 10)).toEqual(threw("x".repeat(20)));
    const refused = storable(returned("x".repeat(20)), 10);
    expect(after(refused)).toMatchObject({
      kind: "fail",
      error: { code: "PROCESSING_FAILED", message: expect.stringMatching(/^Result has /) },
    });
  });
});
