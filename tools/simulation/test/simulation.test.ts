/** A seed is one story. */
import { expect, it } from "vitest";
import { DEPLOYMENTS } from "../src/engines.ts";
import { drawPlan, ENGINES } from "../src/plan.ts";
import { simulate } from "../src/simulate.ts";

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
