/** Whatever arrives becomes a message or a typed refusal (P12); what is printed is read back as it was. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isErrorCode,
  parseClientMessage,
  parseServerMessage,
  printMessage,
  type ClientMessage,
  type Parsed,
  type ServerMessage,
} from "../src/index.ts";
import { CLIENT_FRAMES, SERVER_FRAMES, clientFrame, serverFrame } from "./arbitrary-frames.ts";

const PARSERS: Readonly<Record<string, (data: string | Uint8Array) => Parsed<ClientMessage | ServerMessage>>> = {
  parseClientMessage,
  parseServerMessage,
};

/** A message that can be printed and read again, or a refusal that says what it refuses. */
function expectAnswer(parse: (data: string | Uint8Array) => Parsed<ClientMessage | ServerMessage>, data: string | Uint8Array): void {
  const parsed = parse(data);
  if (parsed.ok) {
    const printed = printMessage(parsed.message);
    const again = parse(printed);
    expect(again.ok && printMessage(again.message), "what is read can be printed and read again").toBe(printed);
    return;
  }
  expect(isErrorCode(parsed.error.code)).toBe(true);
  expect(parsed.error.message.length).toBeGreaterThan(10);
  expect(parsed.error.message).not.toMatch(/\n\s+at /);
  const refusal = printMessage({
    type: "error",
    timestamp: 0,
    error: parsed.error,
    ...(parsed.requestId !== undefined && { request_id: parsed.requestId }),
  });
  expect(parseServerMessage(refusal), "the refusal itself is a message").toMatchObject({ ok: true });
}

/** JSON that is nearly a frame: real field names with values of any kind. */
const names = [
  "type",
  "id",
  "request_id",
  "action",
  "payload",
  "options",
  "seq",
  "timestamp",
  "error",
  "ref",
  "metadata",
  "items",
  "__proto__",
];
const types = [...Object.keys(CLIENT_FRAMES), ...Object.keys(SERVER_FRAMES), "constructor", "toString", ""];
const nearly = fc
  .dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), fc.oneof(fc.constantFrom(...types), fc.jsonValue()), { maxKeys: 8 })
  .map((value) => JSON.stringify(value));

describe.each(Object.entries(PARSERS))("P12 %s answers with a message or a typed refusal, and never throws", (_, parse) => {
  const holds = (arbitrary: fc.Arbitrary<string | Uint8Array>): void =>
    fc.assert(
      fc.property(arbitrary, (data) => expectAnswer(parse, data)),
      { numRuns: 500 },
    );

  it("for any bytes", () => holds(fc.uint8Array({ maxLength: 300 })));
  it("for any text", () => holds(fc.string({ unit: "binary" })));
  it("for text with lone surrogates", () =>
    holds(
      fc
        .string({ unit: fc.integer({ min: 0xd800, max: 0xdfff }).map((code) => String.fromCharCode(code)) })
        .map((text) => `{"type":${JSON.stringify(text)}}`),
    ));
  it("for any JSON", () => holds(fc.json()));
  it("for what is nearly a frame", () => holds(nearly));
  it("for frames cut off or with a byte changed", () =>
    holds(
      fc.tuple(fc.oneof(clientFrame, serverFrame), fc.nat(), fc.nat(255), fc.boolean()).map(([frame, at, byte, cut]) => {
        const bytes = new TextEncoder().encode(printMessage(frame));
        const place = at % bytes.length;
        if (cut) return bytes.slice(0, place);
        bytes[place] = byte;
        return bytes;
      }),
    ));
});

describe("parsing what was printed gives the same message", () => {
  for (const [type, arbitrary] of Object.entries(CLIENT_FRAMES)) {
    it(`client ${type}`, () => {
      fc.assert(
        fc.property(arbitrary, (message) => {
          expect(parseClientMessage(printMessage(message as ClientMessage))).toEqual({ ok: true, message });
        }),
      );
    });
  }
  for (const [type, arbitrary] of Object.entries(SERVER_FRAMES)) {
    it(`server ${type}`, () => {
      fc.assert(
        fc.property(arbitrary, (message) => {
          expect(parseServerMessage(printMessage(message as ServerMessage))).toEqual({ ok: true, message });
        }),
      );
    });
  }
  it("as text and as bytes", () => {
    fc.assert(
      fc.property(clientFrame, (message) => {
        const text = printMessage(message);
        expect(parseClientMessage(new TextEncoder().encode(text))).toEqual(parseClientMessage(text));
      }),
    );
  });
});

it("unknown fields are ignored, and do not travel further", () => {
  fc.assert(
    fc.property(clientFrame, fc.jsonValue(), (message, value) => {
      const more = JSON.stringify({ ...message, later_version: value, "": value });
      expect(parseClientMessage(more)).toEqual({ ok: true, message });
    }),
  );
});
