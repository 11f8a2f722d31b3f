import { describe, expect, it } from "vitest";
import { Fatal, RetryAfter, StreamerError, type StopReason } from "../errors.ts";
import { WorkerDied } from "../errors.ts";
import { decide, type DecisionTerms, type Ending } from "./outcome.ts";
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

  it("waits as long as RetryAfter says", () => {
    expect(after(threw(new RetryAfter(90_000)))).toMatchObject({ kind: "retry", afterMs: 90_000 });
  });

  it("keeps the code of a StreamerError", () => {
    expect(after(threw(new StreamerError("STORAGE_ERROR", "disk")))).toMatchObject({ kind: "retry", error: { code: "STORAGE_ERROR" } });
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

  it("P12 no stack leaves with an error", () => {
    const decision = after(threw(new Error("boom")));
    expect(JSON.stringify(decision)).not.toMatch(/at |\.ts/);
  });
});
