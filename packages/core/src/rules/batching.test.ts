import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clampPercentage, DEFAULT_BATCHING, dueInMs, type Batch } from "./batching.ts";

const batch = (over: Partial<Batch>): Batch => ({ count: 1, since: 1_050, percentage: 10, stageChanged: false, ...over });
/** When the last message was sent. */
const SENT = 1_000;
const due = (over: Partial<Batch>, now: number): number => dueInMs(batch(over), SENT, DEFAULT_BATCHING, now);

describe("progress batching (200 ms, sooner above 90 %)", () => {
  it("waits 200 ms from the first update", () => {
    expect(due({}, 1_050)).toBe(200);
    expect(due({}, 1_150)).toBe(100);
    expect(due({}, 1_300)).toBe(0);
  });

  it("does not wait when there was no message for as long", () => {
    expect(dueInMs(batch({}), -Infinity, DEFAULT_BATCHING, 1_050)).toBe(0);
    expect(due({ since: 1_200 }, 1_200)).toBe(0);
    expect(due({ since: 1_199 }, 1_199)).toBe(200);
  });

  it("is due when it is full, though never sooner than 20 ms after the last message", () => {
    const count = DEFAULT_BATCHING.maxUpdates;
    expect(due({ count: count - 1 }, 1_055)).toBe(195);
    expect(due({ count }, 1_055)).toBe(0);
    expect(due({ count, since: 1_005 }, 1_005)).toBe(15);
    expect(dueInMs(batch({ count }), SENT, { ...DEFAULT_BATCHING, intervalMs: 60, minIntervalMs: 500 }, 1_050)).toBe(60);
  });

  it("is due at once when it begins a stage", () => {
    expect(due({ stageChanged: true }, 1_050)).toBe(0);
  });

  it("above 90 % waits for nothing but 150 ms since the last message", () => {
    expect(due({ percentage: 90 }, 1_050)).toBe(200);
    expect(due({ percentage: 91 }, 1_050)).toBe(100);
    expect(due({ percentage: 91, since: 1_150 }, 1_150)).toBe(0);
  });

  it("is not kept for the moment by which a timer comes early", () => {
    expect(due({}, 1_249.5)).toBe(0);
    expect(due({}, 1_249)).toBe(1);
  });

  it("is never due while it is empty", () => {
    expect(due({ count: 0 }, 9_999)).toBe(Infinity);
  });
});

describe("P5 percentages never go back", () => {
  it("clamps whatever is reported to a rising number from 0 to 100", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.double(), fc.constant(Number.NaN), fc.integer())), (values) => {
        let newest = 0;
        for (const value of values) {
          const next = clampPercentage(value, newest);
          expect(next).toBeGreaterThanOrEqual(newest);
          expect(next).toBeLessThanOrEqual(100);
          newest = next;
        }
      }),
    );
  });
});
