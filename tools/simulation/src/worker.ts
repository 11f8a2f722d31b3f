/** Runs seeds in a process of its own, one at a time, as its parent asks (many.ts). */
import { drawPlan, type EngineName } from "./plan.ts";
import { simulate, type Outcome } from "./simulate.ts";

export interface Errand {
  readonly engine: EngineName;
  readonly seed: number;
  readonly without: readonly string[];
}
export type Answer =
  | { readonly seed: number; readonly outcome: Omit<Outcome, "plan">; readonly features: readonly string[] }
  | { readonly seed: number; readonly failed: string };

async function run({ engine, seed, without }: Errand): Promise<Answer> {
  try {
    const { plan, ...outcome } = await simulate(drawPlan(seed, engine, new Set(without)));
    return { seed, outcome, features: Array.from(plan.features) };
  } catch (error) {
    return { seed, failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

process.on("message", (errand: Errand) => void run(errand).then((answer) => process.send!(answer)));
process.on("disconnect", () => process.exit());
