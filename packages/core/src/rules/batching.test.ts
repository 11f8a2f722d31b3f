import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clampPercentage, DEFAULT_BATCHING, dueInMs, type Batch } from "./batching.ts";

const batch = (over: Partial<Batch>): Batch => ({ count: 1, since: 1_000, percentage: 10, stageChanged: false, ...over });
const last = { percentage: 5, at: 1_000 };

describe("progress batching (200 ms, 5 updates, above 90 %)", () => {
  it("waits 200 ms from the first update", () => {
    expect(dueInMs(batch({}), last, DEFAULT_BATCHING, 1_050)).toBe(150);
    expect(dueInMs(batch({}), last, DEFAULT_BATCHING, 1_300)).toBe(0);
  });

  it("is due at 5 updates, though never sooner than 20 ms after the last message", () => {
    expect(dueInMs(batch({ count: 5 }), last, DEFAULT_BATCHING, 1_030)).toBe(0);
    expect(dueInMs(batch({ count: 5 }), last, DEFAULT_BATCHING, 1_005)).toBe(15);
  });

  it("is due at once when it crosses 90 %, reaches 100, or begins a stage", () => {
    expect(dueInMs(batch({ percentage: 91 }), last, DEFAULT_BATCHING, 1_001)).toBe(0);
    expect(dueInMs(batch({ percentage: 100 }), { percentage: 95, at: 1_000 }, DEFAULT_BATCHING, 1_001)).toBe(0);
    expect(dueInMs(batch({ stageChanged: true }), last, DEFAULT_BATCHING, 1_001)).toBe(0);
  });

  it("above 90 % waits only for the spacing", () => {
    expect(dueInMs(batch({ percentage: 93 }), { percentage: 91, at: 1_000 }, DEFAULT_BATCHING, 1_001)).toBe(19);
  });

  it("is never due while it is empty", () => {
    expect(dueInMs(batch({ count: 0 }), last, DEFAULT_BATCHING, 9_999)).toBe(Infinity);
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
