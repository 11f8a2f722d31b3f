/** Every suite, in the order in which they run. */
import type { Suite } from "../suite.ts";
import { CLIENT_SIDE } from "./client-side.ts";
import { fullDisk } from "./full-disk.ts";
import { pauses } from "./pauses.ts";
import { rollingRestarts } from "./rolling-restarts.ts";
import { sigkill } from "./sigkill.ts";
import { syscalls } from "./syscalls.ts";

export const SUITES: readonly Suite[] = [...CLIENT_SIDE, rollingRestarts, pauses, fullDisk, sigkill, syscalls];
