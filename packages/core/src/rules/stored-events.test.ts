import { describe, expect, it } from "vitest";
import type { EventBody, Settlement } from "../ports/requests.ts";
import { endingOf, progressOf, settledEvents } from "./stored-events.ts";

describe("what a record shows of events", () => {
  it("is of progress what it says, and nothing that it does not", () => {
    const full = { percentage: 5, message: "read", stage: "query", metadata: { rows: 3 } };
    expect(progressOf({ type: "progress", attempt: 1, ...full })).toStrictEqual(full);
    expect(progressOf({ percentage: 5 })).toStrictEqual({ percentage: 5 });
    expect(progressOf({ percentage: 5, message: 3, stage: null, metadata: [1] })).toStrictEqual({ percentage: 5 });
  });

  it("is of an end its result or its error", () => {
    const error = { code: "TIMEOUT", message: "late", retry: { retryable: true } };
    expect(endingOf({ type: "complete", result: null })).toStrictEqual({ result: null });
    expect(endingOf({ type: "complete" })).toStrictEqual({});
    expect(endingOf({ type: "error", error })).toStrictEqual({ error });
    expect(endingOf({ error: "odd" })).toStrictEqual({});
  });
});

describe("the events of an end", () => {
  const events = ["a", "b", "c"] as unknown as readonly EventBody[];
  const tooLate = "late" as unknown as EventBody;
  const settlement = (more: Partial<Settlement>): Settlement => ({ status: "COMPLETED", events, runMs: 1, ...more });

  it("P8 have the receipt of a cancellation that nobody waited for just before the last", () => {
    expect(settledEvents(settlement({ tooLate }), true)).toEqual(["a", "b", "late", "c"]);
    expect(settledEvents(settlement({ tooLate }), false)).toEqual(events);
    expect(settledEvents(settlement({}), true)).toEqual(events);
  });
});
