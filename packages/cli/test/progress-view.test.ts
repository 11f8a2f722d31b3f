import { describe as suite, expect, it, vi } from "vitest";
import { StreamerError, type RunState } from "@streamer/client";
import { barLines, createProgressView, type Shown } from "../src/progress-view.ts";
import { describe, formatEta } from "../src/run-text.ts";
import type { Terminal } from "../src/terminal.ts";

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
  const left = { p50Ms: 2_000, p90Ms: 4_000 };
  expect(describe({ ...running, progress: { ...progress, stage: "query", message: "3 of 4" } }, left)).toBe("query: 3 of 4 · 2–4 s left");
  expect(describe({ ...running, status: "PENDING", waiting: { reason: "queue", position: 3 } }, left)).toBe("queued, 3 ahead · 2–4 s left");
  expect(describe({ ...running, status: "COMPLETED" }, left)).toBe("running");
  const error = new StreamerError("TIMEOUT", "too slow");
  expect(describe({ ...running, status: "RETRYING", waiting: { reason: "backoff", until: 0 }, error })).toMatch(
    /^failed: too slow, trying/,
  );
  expect(describe({ ...running, attempt: 2, progress: { ...progress, message: "again" } })).toBe("again · attempt 2");
  expect(describe({ ...running, status: "PENDING", waiting: { reason: "queue", position: 3 } })).toBe("queued, 3 ahead");
  expect(describe({ ...running, status: "PENDING", waiting: { reason: "tenant_concurrency" } })).toBe("waiting: tenant concurrency");
  expect(describe({ status: "PENDING", acknowledged: false, attempt: 0 })).toBe("sent");
  expect(describe({ ...running, status: "RETRYING", waiting: { reason: "backoff", until: 0 } })).toMatch(
    /^failed, trying again at \d\d:00:00$/,
  );
});

const style = (_: unknown, text: string): string => text;

suite("bars", () => {
  const at = (percentage: number, status: RunState["status"] = "PROCESSING"): RunState => ({
    status,
    acknowledged: true,
    attempt: 1,
    progress: { ...progress, percentage, message: `row ${percentage}` },
  });
  const draw = (states: Record<string, RunState>, room = {}): readonly string[] =>
    barLines(
      Object.entries(states).map(([id, state]) => ({ id, state, remaining: () => undefined })),
      { columns: 60, rows: 24, ...room },
      style,
    );

  it("of one run: wide, and without a name", () => {
    expect(draw({ a: at(50) })).toEqual([`${"█".repeat(14)}${"░".repeat(14)}  50 %  row 50`]);
    expect(draw({ a: at(50) }, { columns: 39 })).toEqual([`${"█".repeat(14)}${"░".repeat(14)}  50 %  r…`]);
  });

  it("of several: those that run first, then those that wait, and a line about all", () => {
    const waiting: RunState = { status: "PENDING", acknowledged: true, attempt: 0, waiting: { reason: "queue", position: 2 } };
    const lines = draw({ waits: waiting, "a-long-identifier": at(25), ended: at(100, "COMPLETED"), bad: at(10, "FAILED") });
    expect(lines).toEqual([
      `a-long-iden… ${"█".repeat(4)}${"░".repeat(12)}  25 %  row 25`,
      `waits        ${"░".repeat(16)}   0 %  queued, 2 ahead`,
      "1 of 4 done, 1 failed, 1 running",
    ]);
  });

  it("never more than the screen has room for", () => {
    const lines = draw(Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`run-${n}`, at(n)])), { rows: 10 });
    expect(lines).toHaveLength(9);
    expect(lines.at(-1)).toBe("0 of 40 done, 40 running, 32 not shown");
  });
});

it("redraws what is left each second, whether or not anything else changes, and never after its end", () => {
  vi.useFakeTimers();
  try {
    const pictures: string[] = [];
    const stderr = { isTTY: true, columns: 80, rows: 24 };
    const terminal = { json: false, stderr, style, pin: (lines: readonly string[]) => pictures.push(...lines), unpin: () => undefined };
    let leftMs = 9_000;
    const run: Shown = {
      id: "r1",
      state: { status: "PENDING", acknowledged: true, attempt: 0, waiting: { reason: "queue" } },
      remaining: () => ({ p50Ms: leftMs, p90Ms: leftMs }),
    };
    const view = createProgressView(terminal as unknown as Terminal, [run]);
    view.changed(run);
    for (const ms of [50, 1_000, 1_000]) {
      vi.advanceTimersByTime(ms);
      leftMs -= 1_000;
    }
    expect(pictures.map((line) => line.replace(/^.*· /, ""))).toEqual(["9 s left", "8 s left", "7 s left"]);
    view.end();
    const drawn = pictures.length;
    vi.advanceTimersByTime(10_000);
    expect(pictures).toHaveLength(drawn);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
