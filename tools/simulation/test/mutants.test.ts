/** What the simulation has to see: bugs planted in the product. */
import { expect, it } from "vitest";
import { hunt } from "../src/mutants/hunt.ts";
import { planted } from "../src/mutants/mutant.ts";
import { MUTANTS } from "../src/mutants/mutants.ts";
import { recordedSeeds } from "../src/mutants/report.ts";

/** Far more than any needs: a product that draws otherwise is seen by other seeds than were recorded. */
const MOST_SEEDS = 1_000;

it.each(MUTANTS)("mutant $name applies to the product as it is", (mutant) => {
  expect(() => planted(mutant)).not.toThrow();
});

it("mutants have names of their own", () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});

it("every mutant is seen, by the seed that is recorded or by another", { timeout: 1_200_000 }, async () => {
  const hunted = await hunt(MUTANTS, { seeds: MOST_SEEDS, workers: 2, recorded: recordedSeeds() });
  expect(hunted.flatMap(({ mutant, failure }) => (failure ? [] : [mutant.name]))).toEqual([]);
});
