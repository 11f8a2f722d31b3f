import { describe, expect, it } from "vitest";
import { take } from "./rate.ts";

describe("P14 token bucket", () => {
  it("lets a burst pass, then the rate, and says how long to wait", () => {
    const bucket = { tokens: 3, at: 0 };
    expect([take(bucket, 10, 3, 0), take(bucket, 10, 3, 0), take(bucket, 10, 3, 0)]).toEqual([0, 0, 0]);
    expect(take(bucket, 10, 3, 0)).toBe(100);
    expect(take(bucket, 10, 3, 100)).toBe(0);
    expect(take(bucket, 10, 3, 100)).toBe(100);
  });

  it("never holds more than the burst", () => {
    const bucket = { tokens: 0, at: 0 };
    expect([take(bucket, 10, 2, 1e9), take(bucket, 10, 2, 1e9)]).toEqual([0, 0]);
    expect(take(bucket, 10, 2, 1e9)).toBeGreaterThan(0);
  });
});
