/**
 * A planted bug: one change of the product's source, as data. The simulation is run with one at a time in it and has to see
 * it, so that a run that finds nothing says something.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { EngineName } from "../plan.ts";

export interface Mutant {
  /** Unique among all. */
  readonly name: string;
  /** Which of P1 to P15 it breaks (docs/protocol.md §1). */
  readonly promise: string;
  readonly does: string;
  /** On which engine it is hunted: embedded for what only that engine has, else the quickest. */
  readonly engine: EngineName;
  /** Below the root of the repository. */
  readonly file: string;
  /** Text that the file has exactly once. */
  readonly find: string;
  readonly replace: string;
}

const ROOT = join(import.meta.dirname, "../../../..");
/** Names the mutant that a process is to have in it. */
export const MUTANT_VARIABLE = "STREAMER_MUTANT";

/** To be imported before all else by a process that is to have it. */
export const PLANT = new URL("plant.ts", import.meta.url).href;

export const pathOf = ({ file }: Mutant): string => join(ROOT, file);

/** The source of its file with the bug in it. Throws when the text it replaces is not there, or not once: the mutant is stale. */
export function planted(mutant: Mutant): string {
  const { name, file, find, replace } = mutant;
  const source = readFileSync(pathOf(mutant), "utf8");
  const count = source.split(find).length - 1;
  if (count !== 1) throw new Error(`Mutant "${name}" is stale: ${file} has the text it replaces ${count} times. Write it anew.`);
  return source.replace(find, () => replace);
}
