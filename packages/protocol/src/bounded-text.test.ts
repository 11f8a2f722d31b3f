import fc from "fast-check";
import { expect, it } from "vitest";
import { boundedText } from "./bounded-text.ts";

it("P12 is well-formed and short enough, and as it was where that is possible", () => {
  expect(boundedText("abc", 3)).toBe("abc");
  expect(boundedText("ab😀", 4)).toBe("ab😀");
  expect(boundedText("ab😀", 3)).toBe("ab");
  expect(boundedText("a\ud83d", 10)).toBe("a\ufffd");
  const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 }).map((codes) => String.fromCharCode(...codes));
  fc.assert(
    fc.property(units, fc.integer({ min: 1, max: 12 }), (text, max) => {
      const bounded = boundedText(text, max);
      expect(bounded.length).toBeLessThanOrEqual(max);
      expect(bounded.isWellFormed()).toBe(true);
      const isFine = text.length <= max && text.isWellFormed();
      expect(bounded === text).toBe(isFine);
    }),
  );
});
