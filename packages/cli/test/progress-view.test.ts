import { expect, it } from "vitest";
import { describe, formatEta } from "../src/progress-view.ts";

const progress = { percentage: 40, metadata: {}, attempt: 1, updates: [], timestamp: 0 };

it.each([
  [200, 900, "<1 s"],
  [400, 3_000, "up to 3 s"],
  [2_000, 4_400, "2–4 s"],
  [2_000, 2_100, "2 s"],
  [80_000, 150_000, "80 s to 3 min"],
  [120_000, 300_000, "2–5 min"],
  [7_200_000, 10_800_000, "2–3 h"],
])("an ETA of %i to %i ms reads %s", (p50Ms, p90Ms, text) => {
  expect(formatEta({ p50Ms, p90Ms })).toBe(text);
});

it("says what is going on: stage and message, attempt, ETA, or what it waits for", () => {
  const running = { status: "PROCESSING", acknowledged: true, attempt: 1 } as const;
  expect(describe({ ...running, progress: { ...progress, stage: "query", message: "3 of 4" }, eta: { p50Ms: 2_000, p90Ms: 4_000 } })).toBe(
    "query: 3 of 4 · 2–4 s left",
  );
  expect(describe({ ...running, attempt: 2, progress: { ...progress, message: "again" } })).toBe("again · attempt 2");
  expect(describe({ ...running, status: "PENDING", waiting: { reason: "queue", position: 3 } })).toBe("queued, 3 ahead");
  expect(describe({ ...running, status: "PENDING", waiting: { reason: "tenant_concurrency" } })).toBe("waiting: tenant concurrency");
  expect(describe({ status: "PENDING", acknowledged: false, attempt: 0 })).toBe("sent");
  expect(describe({ ...running, status: "RETRYING", waiting: { reason: "backoff", until: 0 } })).toMatch(
    /^failed, trying again at \d\d:00:00$/,
  );
});
