/** Every suite, in the order in which they run: short ones first. */
import type { Suite } from "../suite.ts";

export const SUITES: readonly Suite[] = [];
