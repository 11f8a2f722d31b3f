import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { append, merged, noDurations, parseDurations, printDurations, quantiles, record, shareUpTo, type Durations } from "./durations.ts";

const of = (...runsMs: readonly number[]): Durations => {
  const durations = noDurations();
  for (const runMs of runsMs) record(durations, runMs);
  return durations;
};
const times = fc.array(fc.double({ min: 1, max: 6e8, noNaN: true }), { minLength: 5, maxLength: 40 });

describe("recorded run times", () => {
  it("gives the median and the 90th percentile to within five per cent", () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 6e8, noNaN: true }), fc.integer({ min: 5, max: 60 }), (ms, count) => {
        const { p50Ms, p90Ms } = quantiles(of(...Array.from({ length: count }, () => ms)))!;
        expect(Math.abs(p50Ms / ms - 1)).toBeLessThan(0.0501);
        expect(p90Ms).toBe(p50Ms);
      }),
    );
    const { p50Ms, p90Ms } = quantiles(of(...Array.from({ length: 100 }, (_, n) => 1 + ((37 * n) % 100))))!;
    expect(p50Ms).toBeGreaterThan(40);
    expect(p50Ms).toBeLessThan(60);
    expect(p90Ms).toBeGreaterThan(80);
    expect(p90Ms).toBeLessThan(100);
  });

  it("says nothing from too few runs, nor of times that only a forgotten run took", () => {
    expect(quantiles(of(10, 20, 30, 40))).toBeUndefined();
    expect(quantiles(of(...Array.from({ length: 10 }, () => 100)), 200)).toBeUndefined();
    expect(quantiles(of(900_000, ...Array.from({ length: 300 }, () => 100)), 200)).toBeUndefined();
  });

  it("tells of the runs that took longer than one has by now", () => {
    const { p50Ms } = quantiles(of(...Array.from({ length: 20 }, (_, n) => (n % 4 === 0 ? 60_000 : 100))), 5_000)!;
    expect(Math.abs(p50Ms / 60_000 - 1)).toBeLessThan(0.05);
  });

  it("follows a change within a hundred runs", () => {
    const durations = of(...Array.from({ length: 500 }, () => 100), ...Array.from({ length: 100 }, () => 9_000));
    expect(quantiles(durations)!.p50Ms).toBeGreaterThan(8_000);
  });

  it("stays small and exact however many runs there are", () => {
    const durations = noDurations();
    for (let n = 0; n < 100_000; n += 1) record(durations, 1.0005 ** (n % 40_000));
    expect(durations.bins.size).toBeLessThan(210);
    expect(durations.weight).toBeLessThan(1e13);
    expect(printDurations(durations).length).toBeLessThan(3_000);
  });

  it("appended elsewhere and stored, is what recording one after another would have been", () => {
    fc.assert(
      fc.property(times, times, (before, after) => {
        const stored = parseDurations(printDurations(of(...before)));
        append(stored, of(...after));
        const together = of(...before, ...after);
        expect(stored.count).toBe(together.count);
        for (const [bin, weight] of together.bins) expect(stored.bins.get(bin)! / stored.weight).toBeCloseTo(weight / together.weight, 2);
      }),
    );
  });

  it("merges sketches of several sizes", () => {
    const all = merged([of(10, 10, 10), of(1_000, 1_000, 1_000, 1_000)]);
    expect(quantiles(all)!.p50Ms).toBeGreaterThan(900);
    expect(all.count).toBe(7);
  });

  it("knows which part of the runs took no longer than a time", () => {
    const durations = of(10, 10, 10, 1_000);
    const last =
      durations.bins.get(Math.max(...durations.bins.keys()))! / Array.from(durations.bins.values()).reduce((sum, part) => sum + part, 0);
    expect(shareUpTo(durations, 10)).toBeCloseTo(1 - last);
    expect(shareUpTo(durations, 5)).toBe(0);
    expect(shareUpTo(durations, 1_000)).toBe(1);
    expect(shareUpTo(noDurations(), 1_000)).toBe(0);
  });

  it("reads what nothing was recorded in", () => {
    expect(parseDurations("[]")).toEqual(noDurations());
    expect(parseDurations(printDurations(noDurations()))).toEqual(noDurations());
  });
});
