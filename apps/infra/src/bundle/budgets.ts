/** Refuses a bundle that outgrew its budget, and says what it is made of. */
import { planOf } from "../functions.ts";
import type { Bundle } from "./bundle.ts";

const PARTS_SHOWN = 8;

/** What is over, and what it is made of: larger bundles start more slowly, and work. */
export function overBudget(bundles: readonly Bundle[]): string | undefined {
  const problems = bundles.flatMap(({ name, codeBytes, parts }) => {
    const { budgetBytes, runsQueued } = planOf(name);
    if (codeBytes <= budgetBytes) return [];
    const largest = parts.slice(0, PARTS_SHOWN).map(([part, bytes]) => `    ${kilobytes(bytes)} ${part}`);
    const advice = runsQueued ? "" : " What only queued runs need is imported inside `run` and named in workerOnly.";
    return [`  ${name} has ${kilobytes(codeBytes)}, and ${kilobytes(budgetBytes)} are the most.${advice} Its largest parts:`, ...largest];
  });
  return problems.length > 0 ? `Bundles are larger than their functions should start with:\n${problems.join("\n")}` : undefined;
}

const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1_000).toLocaleString("en")} kB`;
