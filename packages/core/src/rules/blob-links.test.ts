import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countLinks, expiryPlaceholder, signLinks, urlPlaceholder } from "./blob-links.ts";

const MARK = "a-mark_of_22_characters";
const sign = (name: string) => Promise.resolve({ url: `https://files/${name}?s=1`, expiresAt: 0 });

describe("P7 links are signed when a result is read", () => {
  it("replaces whole placeholders by links and expiries", async () => {
    const text = JSON.stringify({ url: urlPlaceholder(MARK, 'a "b".pdf'), until: expiryPlaceholder(MARK, 'a "b".pdf'), n: 1 });
    expect(JSON.parse(await signLinks(text, MARK, sign))).toEqual({
      url: "https://files/a%20%22b%22.pdf?s=1",
      until: "1970-01-01T00:00:00.000Z",
      n: 1,
    });
  });

  it("leaves every other text as it is, placeholders inside longer strings too", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), async (before, after) => {
        const text = JSON.stringify({ said: `${before} "${urlPlaceholder(MARK, "x")}" ${after}` });
        expect(await signLinks(text, MARK, sign)).toBe(text);
      }),
    );
  });

  it("P10 signs nothing that has not the mark of its request", async () => {
    const others = [
      "streamer-blob:url:x",
      urlPlaceholder("", "x"),
      urlPlaceholder("another_mark_of_22_char", "x"),
      urlPlaceholder(".*", "x"),
    ];
    const text = JSON.stringify(others);
    const signed: string[] = [];
    expect(await signLinks(text, MARK, (name) => (signed.push(name), sign(name)))).toBe(text);
    expect(signed).toEqual([]);
  });
});

it("links of a value are counted: those that look like one, and no other text", () => {
  expect(countLinks("{}")).toBe(0);
  expect(
    countLinks(JSON.stringify([urlPlaceholder(MARK, "a"), expiryPlaceholder(MARK, "a"), "streamer-blob:url:a", "streamer-blob:"])),
  ).toBe(2);
});
