import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expiryPlaceholder, signLinks, urlPlaceholder } from "./blob-links.ts";

const sign = (name: string) => Promise.resolve({ url: `https://files/${name}?s=1`, expiresAt: 0 });

describe("P7 links are signed when a result is read", () => {
  it("replaces whole placeholders by links and expiries", async () => {
    const text = JSON.stringify({ url: urlPlaceholder('a "b".pdf'), until: expiryPlaceholder('a "b".pdf'), n: 1 });
    expect(JSON.parse(await signLinks(text, sign))).toEqual({
      url: "https://files/a%20%22b%22.pdf?s=1",
      until: "1970-01-01T00:00:00.000Z",
      n: 1,
    });
  });

  it("leaves every other text as it is, placeholders inside longer strings too", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), async (before, after) => {
        const text = JSON.stringify({ said: `${before} "${urlPlaceholder("x")}" ${after}` });
        expect(await signLinks(text, sign)).toBe(text);
      }),
    );
  });
});
