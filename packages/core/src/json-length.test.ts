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
    { a: Symbol("left out"), b: 1 },
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
  // Were they printed, or walked through to their end, this would not return.
  for (const huge of [shared, { bytes: new Uint8Array(1 << 30) }, "x".repeat(1 << 28), Array.from({ length: 3_000_000 }, () => 1)]) {
    expect(() => assertStorable(huge, "Result", 1_000_000)).toThrow(
      /Result has at least \d+ characters of JSON, over the limit of 1000000/,
    );
  }
});

it("looks at no more of a value than its limit", () => {
  let looks = 0;
  const counted = <Value extends object>(value: Value): Value =>
    new Proxy(value, {
      get: (target, name) => {
        looks += 1;
        return Reflect.get(target, name);
      },
    });
  const list = counted(Array.from({ length: 10_000 }, () => 1));
  const members = counted(Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`name_${at}`, 1])));
  for (const value of [list, members, { list, members }]) {
    looks = 0;
    expect(leastJsonLength(value, 100)).toBeGreaterThan(100);
    expect(looks).toBeLessThan(50);
  }
});

it("goes a thousand levels deep and no deeper", () => {
  const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
  expect(leastJsonLength(nested(1_000), 1e6)).toBe(2_001);
  expect(() => leastJsonLength(nested(1_001), 1e6)).toThrow("nested more than 1000 levels deep");
});

it("leaves it to a value what it prints as", () => {
  expect(leastJsonLength({ toJSON: () => 1, kept: "x".repeat(100) }, Infinity)).toBe(2);
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
