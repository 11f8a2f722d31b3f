import { describe, expect, it } from "vitest";
import { detailsOf, isError, isPlainError, memberOf, messageOf, nameOf, stackOf, withNote } from "./thrown.ts";

describe("what was thrown, as it can be stored and sent", () => {
  it("a message is cut where it is too long, and never through a character", () => {
    expect(messageOf(new Error("x".repeat(1_024)))).toBe("x".repeat(1_024));
    expect(messageOf(new Error("x".repeat(1_025)))).toBe(`${"x".repeat(1_023)}…`);
    expect(messageOf(new Error(`${"x".repeat(1_022)}😀😀`))).toBe(`${"x".repeat(1_022)}…`);
    expect(messageOf(new Error(`😀${"x".repeat(2_000)}`))).toBe(`😀${"x".repeat(1_021)}…`);
  });

  it("says of a value without a message what it is", () => {
    expect(messageOf("")).toBe("An empty text was thrown");
    expect(messageOf("no rows")).toBe("no rows");
    expect(messageOf(() => 1)).toBe("A function was thrown");
    expect(messageOf({})).toBe("An object without a message was thrown");
    expect(messageOf({ code: 42 })).toBe('{"code":42}');
    expect(messageOf(Array.from({ length: 20_000 }, () => 1))).toBe("A large object was thrown");
    expect(messageOf(null)).toBe("null");
    expect(messageOf({ message: { deep: true } })).toBe('{"deep":true}');
  });

  it("a note stands at the end, whatever has to be cut, and once", () => {
    expect(withNote("it broke", undefined)).toBe("it broke");
    expect(withNote("it broke", "twice")).toBe("it broke (twice)");
    expect(withNote("it broke (twice)", "twice")).toBe("it broke (twice)");
    const long = withNote("x".repeat(2_000), "twice");
    expect(long).toHaveLength(1_024);
    expect(long).toMatch(/x… \(twice\)$/);
  });

  it("details are a JSON object of a bounded length, copied", () => {
    const details = { rows: [1] };
    const copied = detailsOf(details);
    expect(copied).toEqual({ details });
    expect(copied.details).not.toBe(details);
    expect(detailsOf(undefined)).toEqual({});
    expect(detailsOf(null)).toEqual({});
    expect(detailsOf([1])).toEqual({ problem: "they are not a JSON object" });
    expect(detailsOf(() => 1)).toEqual({ problem: "they are not a JSON object" });
    expect(detailsOf({ a: 1n }).problem).toMatch(/^they are not JSON: ./);
    expect(detailsOf({ a: "x".repeat(20_000) }).problem).toMatch(/^at least \d+ characters of JSON are over the limit of 16384$/);
    // Known only when it is printed: each of these takes six characters.
    expect(detailsOf({ a: "\u0001".repeat(3_000) })).toEqual({ problem: "18008 characters of JSON are over the limit of 16384" });
    expect(detailsOf({ a: "\u0001".repeat(2_000) }).problem).toBeUndefined();
  });

  it("an Error without a stack is as plain as one with it; one that runs code when it is read is not", () => {
    const bare = new Error("bare");
    Object.defineProperty(bare, "stack", { value: undefined });
    expect(isPlainError(bare)).toBe(true);
    expect(stackOf(bare)).toBeUndefined();
    expect(isPlainError(new Error("x".repeat(16_385)))).toBe(false);
    expect(isPlainError(Object.defineProperty(new Error("a"), "more", { get: () => 1 }))).toBe(false);
    expect(isPlainError(Object.assign(new Error("a"), { name: 3 }))).toBe(false);
    expect(isPlainError({ name: "Error", message: "no Error" })).toBe(false);
    const { proxy, revoke } = Proxy.revocable(new Error("gone"), {});
    expect(isError(proxy)).toBe(true);
    revoke();
    expect([isError(proxy), isPlainError(proxy), memberOf(proxy, "name")]).toEqual([false, false, undefined]);
  });

  it("a name is a text, or that of any Error", () => {
    expect(nameOf(new RangeError("r"))).toBe("RangeError");
    expect(nameOf({ name: "" })).toBe("Error");
    expect(nameOf({ name: 3 })).toBe("Error");
    expect(nameOf({ name: "n".repeat(200) })).toHaveLength(128);
  });
});
