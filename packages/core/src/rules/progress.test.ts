import type { ServerMessage } from "@streamer/protocol";
import { describe, expect, it } from "vitest";
import {
  assertStorable,
  assertStream,
  MAX_METADATA_BYTES,
  NONE_OMITTED,
  progressMessage,
  reported,
  whyUnsendable,
  type BatchContent,
} from "./progress.ts";

const circular: Record<string, unknown> = {};
circular["self"] = circular;
/** Each character takes six of JSON: its length is known only when it is printed. */
const escaped = (count: number): string => "\u0001".repeat(count);

const batch = (more: Partial<BatchContent>): BatchContent => ({
  updates: [reported(10, undefined, undefined)],
  maxUpdates: 20,
  omitted: NONE_OMITTED,
  attempt: 1,
  shared: new Map(),
  stage: undefined,
  eta: undefined,
  ...more,
});

describe("what a call of report becomes", () => {
  it("is its percentage alone when nothing else was said", () => {
    expect(reported(5, undefined, undefined)).toEqual({ percentage: 5 });
    expect(reported(5, 3 as never, "text" as never)).toEqual({ percentage: 5 });
    expect(reported(5, undefined, { stage: "" })).toEqual({ percentage: 5 });
    expect(reported(5, undefined, { stage: 3 })).toEqual({ percentage: 5 });
  });

  it("has a stage of its own, and texts as long as the protocol allows", () => {
    expect(reported(5, "read", { stage: "query", rows: 3 })).toEqual({
      percentage: 5,
      message: "read",
      stage: "query",
      metadata: { rows: 3 },
    });
    expect([100 / 3, 99.996, 99.994, 100, 0.29].map((percentage) => reported(percentage, undefined, undefined).percentage)).toEqual([
      33.33, 99.99, 99.99, 100, 0.29,
    ]);
    const { message, stage } = reported(5, "m".repeat(2_000), { stage: "s".repeat(200) });
    expect([message?.length, stage?.length]).toEqual([1_024, 128]);
  });
});

describe("the message of a batch", () => {
  it("is the newest update, with the metadata of all and the updates when there are several", () => {
    const updates = [reported(10, "a", { x: 1, y: 1 }), reported(20, "b", { y: 2, stage: "late" })];
    const { body, refused } = progressMessage(
      batch({
        updates,
        shared: new Map([
          ["x", 0],
          ["z", 3],
        ] as const),
      }),
    );
    expect(refused).toBeUndefined();
    expect(body).toEqual({
      type: "progress",
      percentage: 20,
      attempt: 1,
      message: "b",
      stage: "late",
      metadata: { x: 1, y: 2, z: 3 },
      updates: [
        { percentage: 10, message: "a", metadata: { x: 1, y: 1 } },
        { percentage: 20, message: "b", stage: "late", metadata: { y: 2 } },
      ],
    });
    const eta = { p50_ms: 1, p90_ms: 2_000 };
    expect(progressMessage(batch({ stage: "before", eta })).body).toEqual({
      type: "progress",
      percentage: 10,
      attempt: 1,
      stage: "before",
      eta,
    });
  });

  it("tells no estimate that is over before it is read", () => {
    expect(progressMessage(batch({ eta: { p50_ms: 500, p90_ms: 1_999 } })).body).not.toHaveProperty("eta");
  });

  it("carries the newest updates, no more than it may, and says how many it does not", () => {
    const updates = [1, 2, 3].map((percentage) => reported(percentage, undefined, undefined));
    const carried = (more: Partial<BatchContent>) => {
      const { updates: told, omitted } = progressMessage(batch({ updates, ...more })).body as ServerMessage<"progress">;
      return { told: told?.map(({ percentage }) => percentage), omitted };
    };
    expect(carried({})).toEqual({ told: [1, 2, 3], omitted: undefined });
    expect(carried({ maxUpdates: 2 })).toEqual({ told: [2, 3], omitted: 1 });
    expect(carried({ maxUpdates: 1 })).toEqual({ told: undefined, omitted: 2 });
    expect(carried({ omitted: { count: 4, metadata: {} } })).toEqual({ told: [1, 2, 3], omitted: 4 });
  });

  it("carries as many of the newest as have room for their metadata", () => {
    const updates = Array.from({ length: 8 }, (_, n) => reported(n, undefined, { rows: n, text: "x".repeat(3_500) }));
    const { body, refused } = progressMessage(batch({ updates }));
    expect(refused).toBeUndefined();
    expect(body).toMatchObject({ percentage: 7, metadata: { rows: 7 }, updates: [{ percentage: 6 }, { percentage: 7 }], omitted: 6 });
  });

  it("goes without metadata that cannot travel, and says why", () => {
    const { body, refused } = progressMessage(batch({ updates: [reported(10, "m", circular as never), reported(11, "n", undefined)] }));
    expect(body).toEqual({ type: "progress", percentage: 11, attempt: 1, message: "n", omitted: 1 });
    expect(refused).toMatch(/^metadata is not JSON: ./);
  });

  it("measures metadata by what it takes when printed", () => {
    expect(whyUnsendable({ a: escaped(2_000) })).toBeUndefined();
    expect(whyUnsendable({ a: escaped(3_000) })).toBe(`metadata of 18008 characters is over the limit of ${MAX_METADATA_BYTES}`);
    const exactly = "x".repeat(MAX_METADATA_BYTES - 2);
    expect(whyUnsendable(exactly)).toBeUndefined();
    expect(whyUnsendable(`${exactly}x`)).toMatch(/over the limit/);
    expect(whyUnsendable(`${exactly.slice(1)}\n`)).toBe(
      `metadata of ${MAX_METADATA_BYTES + 1} characters is over the limit of ${MAX_METADATA_BYTES}`,
    );
  });
});

describe("what is stored for a handler", () => {
  it("is JSON within its limit", () => {
    expect(assertStorable({ a: 1 }, "Result", 7)).toBe('{"a":1}');
    expect(() => assertStorable({ a: 1 }, "Result", 6)).toThrow(
      /^Result has .*7 characters of JSON, over the limit of 6; store it with ctx\.blobs\.put/,
    );
    expect(() => assertStorable(escaped(10), "Result", 50)).toThrow("Result has 62 characters of JSON, over the limit of 50");
    expect(() => assertStorable("x".repeat(100), "Result", 50)).toThrow("Result has at least 102 characters of JSON");
    expect(() => assertStorable(undefined, "Result", 50)).toThrow("Result is not JSON: undefined");
    expect(() => assertStorable(circular, "Result", 50)).toThrow(
      expect.objectContaining({ code: "PROCESSING_FAILED", message: expect.stringMatching(/^Result is not JSON: ./) }),
    );
  });

  it("names the streams of partials by texts that can travel", () => {
    for (const stream of ["a", "x".repeat(128)]) expect(() => assertStream(stream)).not.toThrow();
    expect(() => assertStream("")).toThrow("not one of 0 characters");
    expect(() => assertStream("x".repeat(129))).toThrow("not one of 129 characters");
    expect(() => assertStream("\uD800")).toThrow("not one of 1 characters");
    expect(() => assertStream(3)).toThrow("not number");
  });
});
