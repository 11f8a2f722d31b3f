/** What the simulation has to see: bugs planted in the product. */
import { expect, it } from "vitest";
import { planted } from "../src/mutants/mutant.ts";
import { MUTANTS } from "../src/mutants/mutants.ts";

it.each(MUTANTS)("mutant $name applies to the product as it is", (mutant) => {
  expect(() => planted(mutant)).not.toThrow();
});

it("mutants have names of their own", () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});
