import { expect, it } from "vitest";
import { sizeClass } from "./input-size.ts";

it("doubles the size, and the class rises by one", () => {
  expect([{}, null, [], true].map(sizeClass)).toEqual([0, 0, 0, 0]);
  const classes = [10, 20, 40, 80].map((count) => sizeClass({ items: Array.from({ length: count }, () => "ab") }));
  expect(classes).toEqual([5, 6, 6, 7]);
  expect(sizeClass({ text: "x".repeat(1_000_000) })).toBe(19);
  // Half of 2, 4, 8 … characters and one: a name has its own length and what stands around it.
  expect([{ a: "" }, { ab: "" }, { abc: "" }, [""], ["", ""], ["", "", ""], 1, "abc"].map(sizeClass)).toEqual([1, 2, 2, 1, 1, 2, 3, 2]);
  expect(sizeClass([1, { a: [2] }])).toBe(sizeClass([9, { b: [8] }]));
});
