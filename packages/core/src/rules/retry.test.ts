import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs, DEFAULT_RETRY } from "./retry.ts";

describe("P9 full-jitter exponential backoff", () => {
  it("doubles its ceiling up to the cap", () => {
    const ceiling = (failures: number): number => backoffMs(DEFAULT_RETRY, failures, () => 0.999999999);
    expect([1, 2, 3, 7, 60].map(ceiling)).toEqual([999, 1_999, 3_999, 59_999, 59_999]);
  });

  it("is uniform between nothing and the ceiling", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, random) => {
          const ms = backoffMs(DEFAULT_RETRY, failures, () => random);
          expect(ms).toBe(Math.floor(random * Math.min(60_000, 1_000 * 2 ** Math.min(failures - 1, 52))));
        },
      ),
    );
  });
});
