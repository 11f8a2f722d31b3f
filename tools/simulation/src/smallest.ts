/** Which features a failure needs: each that can be switched off, and the same promise still breaks, is. */
import { drawPlan, FEATURES, type EngineName, type Feature } from "./plan.ts";
import { simulate } from "./simulate.ts";

export async function smallestPlan(
  seed: number,
  engine: EngineName,
  promise: string,
  without: readonly string[],
): Promise<readonly Feature[]> {
  const off = new Set(without);
  for (const feature of drawPlan(seed, engine, off).features) {
    const { finding } = await simulate(drawPlan(seed, engine, new Set([...off, feature])));
    if (finding?.promise === promise) off.add(feature);
  }
  return FEATURES.filter((feature) => drawPlan(seed, engine, off).features.has(feature));
}
