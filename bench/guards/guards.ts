/** What is guarded: what it is now, what it was when it was recorded, and when that is the same. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { countJobs, type JobCounts } from "./counts.ts";
import { measureSyncCost, type SyncCost } from "./sync-cost.ts";

export interface Guarded {
  readonly sync: SyncCost;
  readonly jobs: Readonly<Record<string, JobCounts>>;
}

const RECORDED = join(import.meta.dirname, "recorded.json");
export const recorded = (): Guarded => JSON.parse(readFileSync(RECORDED, "utf8")) as Guarded;

export const measured = async (): Promise<Guarded> => ({ sync: await measureSyncCost(), jobs: await countJobs() });

export function record({ sync, jobs }: Guarded): void {
  const rounded = { cpuToFloor: Number(sync.cpuToFloor.toFixed(2)), bytesToFloor: Number(sync.bytesToFloor.toFixed(2)) };
  writeFileSync(RECORDED, `${JSON.stringify({ sync: rounded, jobs }, undefined, 2)}\n`);
}

/**
 * How far a ratio may be from what was recorded. That of CPU differs by a twelfth from run to run on a busy machine, and
 * from one kind of processor to another; that of memory by a hundredth. A loss by a half is outside, whatever noise does.
 */
const BANDS: Readonly<Record<keyof SyncCost, number>> = { cpuToFloor: 1.35, bytesToFloor: 1.2 };

export type Verdict = "as recorded" | "worse" | "better";

/** Better is to be recorded, too: or what is won could be lost again, and nobody would see it. */
export function verdictOf(figure: keyof SyncCost, now: number, then: number): Verdict {
  if (now > then * BANDS[figure]) return "worse";
  return now < then / BANDS[figure] ? "better" : "as recorded";
}
