import fc from "fast-check";
import { expect, it } from "vitest";
import { leastJsonLength } from "./json-length.ts";
import { assertStorable } from "./rules/progress.ts";

it("is never above the length that is printed, and equals it where nothing is escaped or left out", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      expect(leastJsonLength(value, Infinity)).toBeLessThanOrEqual(JSON.stringify(value).length);
    }),
  );
  for (const odd of [
    [undefined, 1],
    { a: undefined, b: () => {}, c: 1 },
    new Date(0),
    new Map([[1, 2]]),
    [Number.NaN, -0],
    new Uint8Array(9),
  ]) {
    expect(leastJsonLength(odd, Infinity)).toBeLessThanOrEqual(JSON.stringify(odd).length);
  }
  const plain = { a: "x", b: ["yy", { c: "" }] };
  // But for the comma between its members.
  expect(leastJsonLength(plain, Infinity)).toBe(JSON.stringify(plain).length - 1);
});

it("finds at once what could never be printed", () => {
  let shared: unknown = "x".repeat(100);
  for (let level = 0; level < 100; level += 1) shared = [shared, shared];
  const startedAt = performance.now();
  for (const huge of [shared, { bytes: new Uint8Array(1 << 30) }, "x".repeat(1 << 28), Array.from({ length: 3_000_000 }, () => 1)]) {
    expect(() => assertStorable(huge, "Result", 1_000_000)).toThrow(
      /Result has at least \d+ characters of JSON, over the limit of 1000000/,
    );
  }
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

it("says what is no JSON as JSON.stringify does", () => {
  const circular: Record<string, unknown> = {};
  circular["self"] = { circular };
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  const refused = (value: unknown): string => {
    try {
      return assertStorable(value, "Result", 1_000);
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(refused(circular)).toMatch(/^Result is not JSON: Converting circular structure to JSON/);
  expect(() => assertStorable(deep, "Result", 1_000_000)).toThrow(/^Result is not JSON: nested more than 1000 levels deep/);
  expect(refused(12n)).toBe("Result is not JSON: Do not know how to serialize a BigInt");
  expect(refused(() => {})).toBe("Result is not JSON: function");
  expect(refused({ a: [1, "b"] })).toBe('{"a":[1,"b"]}');
});
