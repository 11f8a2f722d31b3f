import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asDeclared, remaining, wholeRun } from "./estimates.ts";

describe("when a run will be done", () => {
  it("moves from the recorded runs to the run's own pace as it advances", () => {
    const recorded = { p50Ms: 10_000, p90Ms: 20_000 };
    expect(remaining(0, 0, recorded)).toEqual({ p50_ms: 10_000, p90_ms: 20_000 });
    expect(remaining(5_000, 50, recorded)).toEqual({ p50_ms: 5_000, p90_ms: 10_000 });
    expect(remaining(9_000, 90, undefined)).toEqual({ p50_ms: 1_000, p90_ms: 1_100 });
    expect(remaining(1_000, 0, undefined)).toBeUndefined();
  });

  it("is always a range of whole, non-negative milliseconds", () => {
    const ms = fc.double({ min: 0, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(ms, fc.double({ min: 0.001, max: 100, noNaN: true }), fc.option(fc.tuple(ms, ms)), (elapsed, percentage, recorded) => {
        const known = recorded ? { p50Ms: Math.min(...recorded), p90Ms: Math.max(...recorded) } : undefined;
        const eta = remaining(elapsed, percentage, known)!;
        expect(Number.isInteger(eta.p50_ms) && eta.p50_ms >= 0).toBe(true);
        expect(eta.p90_ms).toBeGreaterThanOrEqual(eta.p50_ms);
      }),
    );
  });

  it("counts the rounds that requests ahead take, and a delay", () => {
    const expected = { p50Ms: 100, p90Ms: 200 };
    expect(wholeRun(expected, { position: 5, slots: 2 })).toEqual({ p50_ms: 300, p90_ms: 600 });
    expect(wholeRun(expected, { position: 0, slots: 2, delayMs: 1_000 })).toEqual({ p50_ms: 1_100, p90_ms: 1_200 });
  });

  it("believes a declaration until a run has outlived it", () => {
    expect([asDeclared(50), asDeclared(50, 49), asDeclared(50, 50), asDeclared(undefined)]).toEqual([
      { p50Ms: 50, p90Ms: 50 },
      { p50Ms: 50, p90Ms: 50 },
      undefined,
      undefined,
    ]);
  });
});
