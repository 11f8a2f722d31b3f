export { createAsker, type Asker, type AskerOptions, type Ending, type RequestFrame } from "./asker.ts";
export type { Entry, Tape } from "./tape.ts";
export { FAULTS, judge, type Fault, type Finding, type Terms } from "./verdict.ts";
