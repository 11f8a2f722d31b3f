import { describe, expect, it } from "vitest";
import { heldBy, isNews, mayBeNews, type Told } from "./waiting.ts";

describe("what is worth telling to whoever waits", () => {
  const told: Told = { reason: "queue", position: 8, at: 0 };

  it.each([
    ["another reason, at once", { reason: "tenant_concurrency" }, 1, true],
    ["half the way, after a while", { reason: "queue", position: 4 }, 10_000, true],
    ["half the way, too soon", { reason: "queue", position: 4 }, 9_999, false],
    ["a step", { reason: "queue", position: 7 }, 60_000, false],
    ["overtaken by as many again", { reason: "queue", position: 16 }, 60_000, true],
    ["a place that nobody counted", { reason: "queue" }, 60_000, false],
  ] as const)("%s", (_, place, now, expected) => {
    expect(isNews(told, place, now)).toBe(expected);
    expect(mayBeNews(told, place.reason, now) || !expected).toBe(true);
  });

  it("is not looked for while the same was told a moment ago", () => {
    const later: Told = { ...told, at: 50_000 };
    expect(mayBeNews(later, "queue", 59_999)).toBe(false);
    expect(mayBeNews(later, "queue", 60_000)).toBe(true);
    expect(mayBeNews(later, "tenant_concurrency", 50_001)).toBe(true);
    expect(isNews({ ...later, position: 8 }, { reason: "queue", position: 1 }, 59_999)).toBe(false);
    expect(mayBeNews(undefined, "queue", 1)).toBe(true);
  });

  it("says once that nothing is ahead", () => {
    expect(isNews({ ...told, position: 1 }, { reason: "queue", position: 0 }, 10_000)).toBe(true);
    expect(isNews({ ...told, position: 0 }, { reason: "queue", position: 0 }, 60_000)).toBe(false);
  });

  it("tells what was never told", () => {
    expect(isNews(undefined, { reason: "queue", position: 0 }, 0)).toBe(true);
    expect(isNews({ reason: "queue", at: 0 }, { reason: "queue", position: 3 }, 10_000)).toBe(true);
  });

  it("names the limit that holds a request, the wider first", () => {
    expect(heldBy({ total: 2, perTenant: 1 }, { total: 2, perTenant: 1 })).toBe("action_concurrency");
    expect(heldBy({ total: 1, perTenant: 1 }, { total: 2, perTenant: 1 })).toBe("tenant_concurrency");
    expect(heldBy({ total: 9, perTenant: 9 }, undefined)).toBeUndefined();
  });
});
