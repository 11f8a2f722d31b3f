/** Every suite, in the order in which they run: short ones first. */
import type { Suite } from "../suite.ts";
import { CLIENT_SIDE } from "./client-side.ts";
import { rollingRestarts } from "./rolling-restarts.ts";

export const SUITES: readonly Suite[] = [...CLIENT_SIDE, rollingRestarts];
