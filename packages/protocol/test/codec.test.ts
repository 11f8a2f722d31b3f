/** The codec by example: limits, names, and what a refusal says. */
import { describe, expect, it } from "vitest";
import { DEFAULT_FRAME_LIMITS, parseClientMessage, parseServerMessage, type FrameLimits, type Parsed } from "../src/index.ts";

const limits = (messageBytes: number, depth = 32): FrameLimits => ({ messageBytes, depth });
const code = (parsed: Parsed<unknown>): string | undefined => (parsed.ok ? undefined : parsed.error.code);
const request = (payload: string): string => `{"action":"a","payload":${payload}}`;
const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

describe("P12 limits are checked before parsing", () => {
  it.each(["x".repeat(90), "é".repeat(45), "€".repeat(30), "😀".repeat(22)])("counts bytes of UTF-8, not characters: %s", (payload) => {
    const text = request(JSON.stringify(payload));
    const bytes = new TextEncoder().encode(text);
    for (const data of [text, bytes]) {
      expect(code(parseClientMessage(data, limits(bytes.length)))).toBeUndefined();
      expect(code(parseClientMessage(data, limits(bytes.length - 1)))).toBe("PAYLOAD_TOO_LARGE");
    }
  });

  it("says how large a frame may be", () => {
    const parsed = parseClientMessage("x".repeat(1_048_577));
    expect(parsed).toMatchObject({ ok: false, error: { code: "PAYLOAD_TOO_LARGE", message: expect.stringContaining("1048576") } });
  });

  it("refuses a frame that is too large or too deep without parsing it", () => {
    expect(code(parseClientMessage(`not json ${"x".repeat(100)}`, limits(50)))).toBe("PAYLOAD_TOO_LARGE");
    expect(parseClientMessage(`${"[".repeat(100_000)} not json`)).toMatchObject({
      error: { message: expect.stringContaining("32 levels") },
    });
  });

  it("allows exactly the depth it says", () => {
    // The frame itself is the first level.
    expect(parseClientMessage(request(nested(31)))).toMatchObject({ ok: true });
    expect(code(parseClientMessage(request(nested(32))))).toBe("INVALID_MESSAGE");
    expect(parseClientMessage(request(nested(31).replace("]", "1]")), limits(1_000, 32))).toMatchObject({ ok: true });
  });

  it("does not count brackets within strings", () => {
    expect(parseClientMessage(request(JSON.stringify(`${"[".repeat(500)}"\\"[[[{{{`)))).toMatchObject({ ok: true });
  });

  it("has the defaults the protocol document states", () => {
    expect(DEFAULT_FRAME_LIMITS).toEqual({ messageBytes: 1_048_576, depth: 32 });
  });
});

describe("P12 numbers that JSON cannot carry back are refused, others are kept", () => {
  const digits = (count: number): string => "9".repeat(count);
  it.each(["1e309", "-1e309", "1E+400", `${digits(250)}e99`, `[1,{"a":${digits(310)}}]`, `${digits(210)}e99`])("refuses %s", (number) => {
    expect(parseClientMessage(request(number))).toMatchObject({
      error: { code: "INVALID_MESSAGE", message: expect.stringContaining("too large") },
    });
  });
  it.each(["9007199254740993", "-9007199254740993", `{"id":[18446744073709551615]}`, digits(25)])(
    "refuses %s, which would come back otherwise",
    (number) => {
      const message = expect.stringMatching(/The number -?\d+ has more digits than can be kept; send it as a string/) as string;
      expect(parseClientMessage(request(number))).toMatchObject({ error: { code: "INVALID_MESSAGE", message } });
    },
  );
  it.each(["9007199254740991", "12345678901234567000", "0.12345678901234567890", "12345678901234567.5", `"9007199254740993"`])(
    "accepts %s",
    (number) => {
      expect(parseClientMessage(request(number))).toMatchObject({ ok: true, message: { payload: JSON.parse(number) } });
    },
  );
  it.each(["1e308", "1e-400", `"1e999"`, `"${digits(400)}"`, `${digits(208)}e99`, "123e100"])("accepts %s", (number) => {
    expect(parseClientMessage(request(number))).toMatchObject({ ok: true, message: { payload: JSON.parse(number) } });
  });
});

describe("P12 what a frame costs is in proportion to its bytes", () => {
  const MIB = 1_048_576;
  const ping = (x: string): string => JSON.stringify({ type: "ping", x });
  const filled = (piece: string): string => ping(piece.repeat(Math.floor((MIB - 64) / JSON.stringify(piece).length)));
  const costs = (text: string): number => {
    const times = Array.from({ length: 5 }, () => {
      const from = performance.now();
      expect(parseClientMessage(text)).toMatchObject({ ok: true });
      return performance.now() - from;
    });
    return Math.min(...times);
  };
  const hostile: Readonly<Record<string, string>> = {
    "almost overflowing digits in a string": filled(`${"1".repeat(209)}a`),
    "exponents in a string": filled("e12"),
    "almost overflowing numbers": `{"type":"ping","x":[${`${"1".repeat(208)}.5,`.repeat(4_900)}1]}`,
    "whole numbers of many digits": `{"type":"ping","x":[${"12345678901234567000,".repeat(49_000)}1]}`,
    "almost overflowing exponents": `{"type":"ping","x":[${"1e+99,".repeat(170_000)}1]}`,
    "overflowing digits, twice": `{"type":"ping","x":[${`0.${"1".repeat(250)},`.repeat(4_000)}1]}`,
    "escaped quotes": filled('"'),
    "escaped backslashes": filled("\\"),
  };
  it.each(Object.entries(hostile))("%s", (_, text) => {
    // Beside a frame of as many bytes that nobody meant harm with: what else the machine does counts for both.
    expect(costs(text) / costs(filled("plain text "))).toBeLessThan(40);
  });
});

describe("a byte order mark is no JSON", () => {
  it.each(["\uFEFF{}", "\uFEFF"])("%j is refused as text and as bytes", (text) => {
    expect(parseClientMessage(text)).toMatchObject({ error: { message: "The message is not valid JSON." } });
    expect(parseClientMessage(new TextEncoder().encode(text))).toMatchObject({ error: { message: "The message is not valid JSON." } });
  });
});

describe("requests", () => {
  it("need no type when there is an action", () => {
    expect(parseClientMessage(`{"action":"a"}`)).toEqual({ ok: true, message: { type: "request", action: "a" } });
    expect(parseClientMessage(`{"type":null,"action":"a"}`)).toMatchObject({ ok: true, message: { type: "request" } });
  });
  it("take request_id for id, and id when both are there", () => {
    expect(parseClientMessage(`{"action":"a","request_id":"r1"}`)).toEqual({
      ok: true,
      message: { type: "request", id: "r1", action: "a" },
    });
    expect(parseClientMessage(`{"action":"a","request_id":"r1","id":"r2"}`)).toMatchObject({ message: { id: "r2" } });
  });
  it("list every issue with its path", () => {
    const parsed = parseClientMessage(`{"type":"request","id":"r1","action":"","options":{"priority":10,"mode":"later","subscribe":1}}`);
    expect(parsed).toMatchObject({
      requestId: "r1",
      error: {
        code: "INVALID_MESSAGE",
        details: {
          issues: [
            { path: ["action"] },
            { path: ["options", "mode"], message: "expected one of auto, sync, async" },
            { path: ["options", "priority"], message: "expected a whole number from 0 to 9" },
            { path: ["options", "subscribe"] },
          ],
        },
      },
    });
  });
  it.each([
    `{"action":"a","id":null}`,
    `{"action":"a","metadata":null}`,
    `{"action":"a","metadata":{"k":[1]}}`,
    `{"action":"a","metadata":{"k":{}}}`,
    `{"action":1}`,
  ])("refuse %s", (text) => {
    expect(code(parseClientMessage(text))).toBe("INVALID_MESSAGE");
  });
});

it("metadata may hold any scalar, in bounds", () => {
  const metadata = { text: "a", number: -1.5, yes: true, nothing: null };
  expect(parseClientMessage(JSON.stringify({ action: "a", metadata }))).toMatchObject({ ok: true, message: { metadata } });
  const of = (entries: object): string => JSON.stringify({ action: "a", metadata: entries });
  const many = (count: number): object => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, n]));
  expect(parseClientMessage(of(many(32)))).toMatchObject({ ok: true });
  for (const entries of [many(33), { k: "x".repeat(1_025) }, { ["x".repeat(1_025)]: 1 }]) {
    expect(code(parseClientMessage(of(entries)))).toBe("INVALID_MESSAGE");
  }
});

describe("a refusal says which frame it refuses, when that could be read", () => {
  it.each([
    [`{"type":"nonsense","request_id":"r1","ref":"q1"}`, { requestId: "r1", ref: "q1" }],
    [`{"type":"cancel","request_id":"r1","reason":5,"ref":"q1"}`, { requestId: "r1", ref: "q1" }],
    [`{"type":"request","id":"r1"}`, { requestId: "r1" }],
    [`{"type":"get","request_id":"r1","ref":7}`, { requestId: "r1" }],
    [`{"type":"subscribe","request_id":"","after":1}`, {}],
    [`{"type":"subscribe","request_id":"${"x".repeat(129)}"}`, {}],
    [`{"type":"subscribe","request_id":"\\ud800"}`, {}],
    [`{"type":"get"}`, {}],
  ])("%s", (text, about) => {
    const parsed = parseClientMessage(text);
    expect(parsed.ok).toBe(false);
    const { requestId, ref } = parsed as { requestId?: string; ref?: string };
    expect({ ...(requestId !== undefined && { requestId }), ...(ref !== undefined && { ref }) }).toEqual(about);
  });
});

it("frames without a type, or of types every object has, are refused", () => {
  for (const text of ["{}", `{"type":"toString"}`, `{"type":"__proto__"}`, `{"type":5}`, "[]", "null", "5", `"request"`]) {
    expect(code(parseClientMessage(text)), text).toBe("INVALID_MESSAGE");
    expect(code(parseServerMessage(text)), text).toBe("INVALID_MESSAGE");
  }
});

it("a client refuses server frames whose error is no error", () => {
  for (const error of [`{}`, `{"code":"NOPE","message":""}`, `{"code":"TIMEOUT"}`, `{"code":"TIMEOUT","message":"","retry":true}`]) {
    expect(code(parseServerMessage(`{"type":"error","timestamp":1,"error":${error}}`)), error).toBe("INVALID_MESSAGE");
  }
});
