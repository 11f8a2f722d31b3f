import { expect, it } from "vitest";
import { once } from "./once.ts";

it("makes it once, for everybody who asks meanwhile and afterwards", async () => {
  let count = 0;
  const made = once(async () => (count += 1));
  expect(await Promise.all([made(), made()])).toEqual([1, 1]);
  expect(await made()).toBe(1);
});

it("tells a failure to everybody who asked before it, and tries anew for who asks next", async () => {
  let count = 0;
  const made = once(async () => {
    count += 1;
    if (count === 1) throw new Error("a hiccup");
    return count;
  });
  const outcomes = await Promise.allSettled([made(), made()]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect([await made(), await made()]).toEqual([2, 2]);
});
