import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ServerMessage } from "@streamer/protocol";
import { begun, remaining } from "./eta.ts";
import { UNSENT, advance, type RunState } from "./run-state.ts";

const about = { request_id: "r", timestamp: 1_000, seq: 1 } as const;
const acknowledged = (more: Partial<ServerMessage<"acknowledgment">> = {}): RunState =>
  advance(
    UNSENT,
    {
      ...about,
      type: "acknowledgment",
      status: "queued",
      message: "",
      estimated_ms: 9_000,
      eta: { p50_ms: 12_000, p90_ms: 20_000 },
      waiting_for: "queue",
      ...more,
    },
    false,
  );
const after = (state: RunState, ms: number) => remaining(state, about.timestamp + ms);

describe("while it waits, what is left", () => {
  it("counts down from the moment it was told, but never below what the run itself takes", () => {
    const waiting = acknowledged();
    expect(after(waiting, 0)).toEqual({ p50Ms: 12_000, p90Ms: 20_000 });
    expect(after(waiting, 2_000)).toEqual({ p50Ms: 10_000, p90Ms: 18_000 });
    expect(after(waiting, 4_000)).toEqual({ p50Ms: 9_000, p90Ms: 16_000 });
    for (const hourMs of [3_600_000, 36_000_000]) expect(after(waiting, hourMs)).toEqual({ p50Ms: 9_000, p90Ms: 15_000 });
  });

  it("goes by the newest word, and keeps the run's own time", () => {
    const moved = advance(
      acknowledged(),
      { ...about, type: "waiting", timestamp: 61_000, reason: "queue", position: 0, eta: { p50_ms: 10_000, p90_ms: 20_000 } },
      false,
    );
    expect(remaining(moved, 61_000)).toEqual({ p50Ms: 10_000, p90Ms: 20_000 });
    expect(remaining(moved, 99_000)).toEqual({ p50Ms: 9_000, p90Ms: 18_000 });
    const unknown = advance(moved, { ...about, type: "waiting", reason: "no_worker" }, false);
    expect(remaining(unknown, 99_000)).toBeUndefined();
  });

  it("is nothing but the countdown when nobody knows how long the run takes", () => {
    const { estimatedMs: _, ...unestimated } = acknowledged();
    expect(after(unestimated, 15_000)).toEqual({ p50Ms: 0, p90Ms: 5_000 });
  });
});

describe("once it runs, what is left", () => {
  it("counts down to nothing", () => {
    const running = advance(
      acknowledged(),
      { ...about, type: "progress", timestamp: 61_000, percentage: 10, attempt: 1, eta: { p50_ms: 5_000, p90_ms: 6_000 } },
      false,
    );
    expect(remaining(running, 63_000)).toEqual({ p50Ms: 3_000, p90Ms: 4_000 });
    expect(remaining(running, 90_000)).toEqual({ p50Ms: 0, p90Ms: 0 });
    expect(after(acknowledged({ status: "processing" }), 30_000)).toEqual({ p50Ms: 0, p90Ms: 0 });
  });

  it("begins with the run's own time when the first word of it tells none", () => {
    const partial = { ...about, type: "partial", stream: "s", index: 0, data: 1 } as const;
    const running = advance(acknowledged(), { ...partial, timestamp: 61_000 }, false);
    expect(remaining(running, 61_000)).toEqual({ p50Ms: 9_000, p90Ms: 15_000 });
    expect(remaining(running, 65_000)).toEqual({ p50Ms: 5_000, p90Ms: 11_000 });
    const later = advance(running, { ...partial, timestamp: 65_000, index: 1 }, false);
    expect(remaining(later, 69_000)).toEqual({ p50Ms: 1_000, p90Ms: 7_000 });
  });

  it("is unknown once it has ended, or failed and will be tried again", () => {
    const error = { code: "TIMEOUT", message: "slow" } as const;
    const retrying = advance(acknowledged(), { ...about, type: "retrying", attempt: 1, retry_at: 9_000, error }, false);
    expect(after(retrying, 0)).toBeUndefined();
    expect(begun(retrying, 0)).toEqual({});
    expect(after(advance(acknowledged(), { ...about, type: "error", error }, true), 0)).toBeUndefined();
  });
});

it("p90 is never below p50, and neither below what the run takes while it waits", () => {
  const ms = fc.nat({ max: 10_000_000 });
  fc.assert(
    fc.property(ms, ms, ms, ms, (p50, more, estimated, gone) => {
      const state = acknowledged({ eta: { p50_ms: p50, p90_ms: p50 + more }, estimated_ms: estimated });
      const { p50Ms, p90Ms } = after(state, gone)!;
      expect(p50Ms).toBeGreaterThanOrEqual(Math.max(estimated, p50 - gone));
      expect(p90Ms).toBeGreaterThanOrEqual(p50Ms);
      expect(Number.isFinite(p90Ms)).toBe(true);
    }),
  );
});

it("a clock that is behind the event's takes nothing away", () => {
  expect(after(acknowledged(), -500)).toEqual({ p50Ms: 12_000, p90Ms: 20_000 });
});
