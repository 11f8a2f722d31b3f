/** CI's share of seeds, and that a seed is one story. STREAMER_SEEDS sets how many for each engine. */
import { expect, it } from "vitest";
import { DEPLOYMENTS } from "../src/engines.ts";
import { simulateMany } from "../src/many.ts";
import { drawPlan, ENGINES } from "../src/plan.ts";
import { simulate } from "../src/simulate.ts";

/** By what one takes: together a few minutes on two cores. */
const SHARE = { memory: 1_500, embedded: 500, aws: 200 } as const;
const engines = ENGINES.filter((engine) => DEPLOYMENTS[engine]);

it.each(engines)("the same seed is the same story on %s, line by line", async (engine) => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const [first, second]: [string[], string[]] = [[], []];
    await simulate(drawPlan(seed, engine), (line) => first.push(line));
    await simulate(drawPlan(seed, engine), (line) => second.push(line));
    expect(first.length).toBeGreaterThan(20);
    expect(second).toEqual(first);
  }
});

it.each(engines)("P1–P15 hold for CI's seeds on %s", { timeout: 600_000 }, async (engine) => {
  const count = Number(process.env["STREAMER_SEEDS"] ?? SHARE[engine]);
  const { seeds, failures } = await simulateMany({ engine, from: 1, count, keepsGoing: true });
  const told = failures.map(
    ({ seed, finding }) => `npm run simulate -- --engine ${engine} --seed ${seed} --story: ${finding.promise}, ${finding.what}`,
  );
  expect(told).toEqual([]);
  expect(seeds).toBe(count);
});
