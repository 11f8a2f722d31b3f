/** What this server can do. The client is typed by this list, without importing it at run time. */
import { findPrimeGaps } from "./find-prime-gaps.ts";
import { greet } from "./greet.ts";

export const handlers = [greet, findPrimeGaps] as const;
