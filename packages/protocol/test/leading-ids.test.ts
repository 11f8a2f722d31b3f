import { describe, expect, it } from "vitest";
import { leadingIds, parseClientMessage } from "../src/index.ts";

describe("the ids of a frame that is not parsed", () => {
  it("are read from its beginning, as text or bytes", () => {
    const text = JSON.stringify({ type: "request", id: 'r "1"', ref: "f", options: { priority: 1 }, payload: "x".repeat(100_000) });
    for (const data of [text, Buffer.from(text)]) expect(leadingIds(data)).toEqual({ requestId: 'r "1"', ref: "f" });
    expect(leadingIds(' { "after" : 17, "request_id" : "r1" , "x": {} }')).toEqual({ requestId: "r1" });
    expect(leadingIds('{"request_id":"one","id":"two","id":"three","n":-1,"a":null,"ref":"f"}')).toEqual({ requestId: "three", ref: "f" });
  });

  it("are not read from behind what is no scalar, or from what is no id", () => {
    for (const text of [
      '{"payload":{"id":"inner"},"id":"r1"}',
      '[{"id":"r1"}]',
      '"id":"r1"',
      '{"id":7}',
      '{"id":""}',
      '{"id":"\\ud800"}',
      "",
      "{",
      '{"id":"r1',
    ])
      expect(leadingIds(text)).toEqual({});
    expect(leadingIds(`{"id":"${"x".repeat(129)}"}`)).toEqual({});
    expect(leadingIds(`{"a":"${"x".repeat(3_000)}","id":"r1"}`)).toEqual({});
  });

  it("cost the same whatever follows", () => {
    const begun = performance.now();
    for (const hostile of ["{".repeat(4e6), " ".repeat(4e6), `{"a":"${"\\\\".repeat(2e6)}`, '{"a":1,'.repeat(5e5)]) leadingIds(hostile);
    expect(performance.now() - begun).toBeLessThan(200);
  });

  it("are told when it is too large", () => {
    const text = JSON.stringify({ type: "request", id: "r1", payload: "x".repeat(200) });
    expect(parseClientMessage(text, { messageBytes: 100, depth: 32 })).toMatchObject({
      ok: false,
      requestId: "r1",
      error: { code: "PAYLOAD_TOO_LARGE" },
    });
  });
});
