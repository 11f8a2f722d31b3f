/** Parts: whatever the text, each fits, and together they are the text again. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { createPartJoiner, parseServerMessage, splitIntoParts, type ServerMessage } from "../src/index.ts";

const MAX_BYTES = 1_024;
const partsOf = (frames: readonly string[]): readonly ServerMessage<"part">[] =>
  frames.map((frame) => {
    const parsed = parseServerMessage(frame);
    if (!parsed.ok || parsed.message.type !== "part") throw new Error(`no part: ${frame.slice(0, 100)}`);
    return parsed.message;
  });
const split = (text: string): readonly string[] => splitIntoParts(text, MAX_BYTES, () => "p1");

it("a frame that fits travels as it is", () => {
  expect(split('{"type":"pong"}')).toEqual(['{"type":"pong"}']);
  expect(split("é".repeat(512))).toHaveLength(1);
});

it("§3.9 parts fit, and in any order join to the text they were made of", () => {
  const text = fc
    .array(fc.constantFrom('"', "\\", "\n", "a", "é", "€", "\u{1f600}", "\u2028"), { minLength: 400, maxLength: 4_000 })
    .map((units) => units.join(""));
  fc.assert(
    fc.property(text, fc.infiniteStream(fc.nat()), (whole, dice) => {
      const frames = split(whole);
      for (const frame of frames) expect(Buffer.byteLength(frame)).toBeLessThanOrEqual(MAX_BYTES);
      if (frames.length === 1) return;
      const joiner = createPartJoiner();
      const shuffled = partsOf(frames)
        .map((part) => ({ part, at: dice.next().value as number }))
        .toSorted((a, b) => a.at - b.at);
      const joined = shuffled.map(({ part }) => joiner.join(part));
      expect(joined.slice(0, -1).every((answer) => answer === undefined)).toBe(true);
      expect(joined.at(-1)).toBe(whole);
    }),
    { numRuns: 200 },
  );
});

it("parts of several frames may be mixed, and the same part may come twice", () => {
  const joiner = createPartJoiner();
  const one = partsOf(splitIntoParts("x".repeat(3_000), MAX_BYTES, () => "one"));
  const two = partsOf(splitIntoParts("y".repeat(3_000), MAX_BYTES, () => "two"));
  const mixed = [one[0]!, two[0]!, one[0]!, two[1]!, one[1]!, ...two.slice(2), ...one.slice(2)];
  expect(mixed.map((part) => joiner.join(part)).filter((text) => text !== undefined)).toEqual(["y".repeat(3_000), "x".repeat(3_000)]);
});

it("frames that never finish do not pile up", () => {
  const joiner = createPartJoiner();
  for (let n = 0; n < 1_000; n += 1) joiner.join({ type: "part", id: `f${n}`, index: 0, count: 2, text: "x" });
  expect(joiner.join({ type: "part", id: "f0", index: 1, count: 2, text: "y" })).toBeUndefined();
  expect(joiner.join({ type: "part", id: "f999", index: 1, count: 2, text: "y" })).toBe("xy");
});
