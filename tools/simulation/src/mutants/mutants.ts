/** Every mutant there is, by the stage of the flow that it breaks. */
import { ACCEPTING } from "./accepting.ts";
import type { Mutant } from "./mutant.ts";
import { RUNNING } from "./running.ts";
import { STORING } from "./storing.ts";
import { TELLING } from "./telling.ts";

export const MUTANTS: readonly Mutant[] = [...ACCEPTING, ...RUNNING, ...TELLING, ...STORING];
