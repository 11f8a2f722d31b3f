import fc from "fast-check";
import { expect, it } from "vitest";
import { visibleJson, visibleText } from "./visible.ts";

const HIDDEN = [
  "\u0000",
  "\u0007",
  "\u001B",
  "\u007F",
  "\u009B",
  "\u00AD",
  "\u061C",
  "\u200B",
  "\u200D",
  "\u2028",
  "\u202E",
  "\u2060",
  "\u2066",
  "\u3164",
  "\uFEFF",
  "\u{E0041}",
];

it("writes out what a terminal obeys, what turns text round, and what nobody sees", () => {
  expect(HIDDEN.map(visibleText)).toEqual([
    "\\x00",
    "\\x07",
    "\\x1b",
    "\\x7f",
    "\\x9b",
    "\\xad",
    "\\u061c",
    "\\u200b",
    "\\u200d",
    "\\u2028",
    "\\u202e",
    "\\u2060",
    "\\u2066",
    "\\u3164",
    "\\ufeff",
    "\\u{e0041}",
  ]);
  expect(visibleText("a\tb\r\nc")).toBe("a\\tb\\r\\nc");
});

it("leaves what can be seen", () => {
  const text = "Müller, 東京, שלום, ⚠️ 🙂 a\u0301 \u00A0 \\x1b";
  expect(visibleText(text)).toBe(text);
});

it("visibleJson is the same value, with nothing hidden in it", () => {
  const any = fc.array(fc.oneof(fc.constantFrom(...HIDDEN, "\n", "\t"), fc.string({ unit: "binary" }))).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.dictionary(any, any), (value) => {
      const json = visibleJson(JSON.stringify(value, null, 2));
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(visibleText(json.replaceAll("\n", ""))).toBe(json.replaceAll("\n", ""));
    }),
  );
});
