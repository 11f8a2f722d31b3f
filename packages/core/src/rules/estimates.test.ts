import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asDeclared, declaredMs, remaining, wholeRun } from "./estimates.ts";

describe("when a run will be done", () => {
  it("moves from the recorded runs to the run's own pace as it advances", () => {
    const recorded = { p50Ms: 10_000, p90Ms: 20_000 };
    expect(remaining({ elapsedMs: 0, percentage: 0 }, recorded)).toEqual({ p50_ms: 10_000, p90_ms: 20_000 });
    expect(remaining({ elapsedMs: 5_000, percentage: 50 }, recorded)).toEqual({ p50_ms: 5_000, p90_ms: 12_500 });
    expect(remaining({ elapsedMs: 9_000, percentage: 90 }, undefined)).toEqual({ p50_ms: 1_000, p90_ms: 2_000 });
    expect(remaining({ elapsedMs: 9_000, percentage: 90, lateBy: 1.2 }, undefined)).toEqual({ p50_ms: 1_000, p90_ms: 1_200 });
    // Runs that are never late need no more than their pace.
    expect(remaining({ elapsedMs: 9_000, percentage: 90, lateBy: 0.5 }, undefined)).toEqual({ p50_ms: 1_000, p90_ms: 1_000 });
    expect(remaining({ elapsedMs: 1_000, percentage: 0 }, undefined)).toBeUndefined();
  });

  it("counts what was made before a checkpoint as nobody's pace", () => {
    // 80 % were there; this attempt made 5 of the 20 points that were left, in 5 s after one to get ready.
    const resumed = { elapsedMs: 6_000, percentage: 85, from: { percentage: 80, elapsedMs: 1_000 } };
    expect(remaining(resumed, undefined)).toEqual({ p50_ms: 15_000, p90_ms: 30_000 });
    // Of whole runs of 100 s, a fifth is this attempt's.
    expect(remaining({ ...resumed, percentage: 80, elapsedMs: 1_000 }, { p50Ms: 100_000, p90Ms: 200_000 })).toEqual({
      p50_ms: 20_000,
      p90_ms: 40_000,
    });
    expect(remaining(resumed, { p50Ms: 100_000, p90Ms: 100_000 })).toEqual({ p50_ms: 15_000, p90_ms: 18_750 });
    expect(remaining({ ...resumed, percentage: 80 }, undefined)).toBeUndefined();
    // A handler that begins anew has its whole time as pace.
    expect(remaining({ elapsedMs: 2_000, percentage: 50, from: { percentage: 0, elapsedMs: 0 } }, undefined)).toEqual(
      remaining({ elapsedMs: 2_000, percentage: 50 }, undefined),
    );
  });

  const ms = fc.double({ min: 0, max: 1e12, noNaN: true });
  const percent = fc.double({ min: 0, max: 100, noNaN: true });
  const from = fc.option(fc.record({ percentage: percent, elapsedMs: ms }), { nil: undefined });
  const recorded = fc.option(
    fc.tuple(ms, ms).map((pair) => ({ p50Ms: Math.min(...pair), p90Ms: Math.max(...pair) })),
    { nil: undefined },
  );
  const pace = (elapsedMs: number, percentage: number, first: { percentage: number; elapsedMs: number } | undefined) => ({
    elapsedMs,
    percentage,
    ...(first && { from: first }),
  });

  it("is always a range of whole, non-negative milliseconds, whatever an attempt began from", () => {
    fc.assert(
      fc.property(ms, percent, from, recorded, (elapsed, percentage, first, known) => {
        const eta = remaining(pace(elapsed, percentage, first), known);
        if (!eta) return;
        expect(Number.isSafeInteger(eta.p50_ms) && eta.p50_ms >= 0).toBe(true);
        expect(Number.isSafeInteger(eta.p90_ms) && eta.p90_ms >= eta.p50_ms).toBe(true);
      }),
    );
  });

  it("never grows with progress, and never shrinks with longer recorded runs", () => {
    const points = fc.tuple(percent, percent).map((pair) => [Math.min(...pair), Math.max(...pair)] as const);
    const times = fc.double({ min: 1, max: 10, noNaN: true });
    fc.assert(
      fc.property(ms, points, from, fc.tuple(recorded, times), (elapsed, [before, after], first, [known, longerBy]) => {
        const begun = first && { percentage: Math.min(first.percentage, before), elapsedMs: Math.min(first.elapsedMs, elapsed) };
        // The first report of all has no pace yet: runs that were recorded speak alone.
        if (before <= (begun?.percentage ?? 0) + 0.001) return;
        const [early, late] = [remaining(pace(elapsed, before, begun), known)!, remaining(pace(elapsed, after, begun), known)!];
        expect(late.p50_ms).toBeLessThanOrEqual(early.p50_ms + 1);
        expect(late.p90_ms).toBeLessThanOrEqual(early.p90_ms + 1);
        if (!known) return;
        const longer = remaining(pace(elapsed, before, begun), { p50Ms: known.p50Ms * longerBy, p90Ms: known.p90Ms * longerBy })!;
        expect(longer.p50_ms).toBeGreaterThanOrEqual(early.p50_ms);
        expect(longer.p90_ms).toBeGreaterThanOrEqual(early.p90_ms);
      }),
    );
  });

  it("counts the rounds that requests ahead take, and a delay", () => {
    const expected = { p50Ms: 100, p90Ms: 200 };
    expect(wholeRun(expected, { position: 5, slots: 2 })).toEqual({ p50_ms: 300, p90_ms: 600 });
    expect(wholeRun(expected, { position: 0, slots: 2, delayMs: 1_000 })).toEqual({ p50_ms: 1_100, p90_ms: 1_200 });
  });

  it("is done when nothing was left to be made, whatever was recorded", () => {
    const resumed = { elapsedMs: 500, percentage: 100, from: { percentage: 100, elapsedMs: 100 } };
    expect(remaining(resumed, undefined)).toEqual({ p50_ms: 0, p90_ms: 0 });
    expect(remaining(resumed, { p50Ms: 10_000, p90Ms: 20_000 })).toEqual({ p50_ms: 0, p90_ms: 0 });
  });

  it("takes an estimate that fails for none, where nobody asks why", () => {
    expect(declaredMs({ action: "work", estimate: () => Number.NaN }, {})).toBeUndefined();
  });

  it("believes a declaration until a run has outlived it", () => {
    expect([asDeclared(50), asDeclared(50, 49), asDeclared(50, 50), asDeclared(undefined)]).toEqual([
      { p50Ms: 50, p90Ms: 50 },
      { p50Ms: 50, p90Ms: 50 },
      undefined,
      undefined,
    ]);
  });

  it("takes an author's estimate for what it is, and says what is wrong with it", async () => {
    const problems: string[] = [];
    const of = (estimate: unknown): number | undefined =>
      declaredMs({ action: "work", estimate: estimate as number }, { n: 3 }, ({ message }) => problems.push(message));
    expect([of(undefined), of(5), of(() => 0), of((input: { n: number }) => input.n * 1.5), of(() => 1e300)]).toEqual([
      undefined,
      5,
      0,
      4.5,
      366 * 86_400_000,
    ]);
    expect(problems).toEqual([]);
    const odd = [
      () => -1,
      () => NaN,
      () => Infinity,
      () => "5",
      () => undefined,
      () => Promise.reject(new Error("stray")),
      () => {
        throw new Error("no rows");
      },
    ];
    expect(odd.map(of)).toEqual(odd.map(() => undefined));
    expect(problems).toEqual([
      ...["-1", "NaN", "Infinity", "string", "undefined", "a promise"].map(
        (said) => `The estimate of "work" must be a number of ms from 0 up; it gave ${said}.`,
      ),
      "no rows",
    ]);
    // Nothing is left that rejects with nobody to hear it.
    await new Promise((resolve) => setImmediate(resolve));
  });
});
