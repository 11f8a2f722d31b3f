export { createAsker, type Asker, type AskerOptions, type Ending, type RequestFrame } from "./asker.ts";
export { isEnd, isEvent, type Entry, type Tape } from "./tape.ts";
export { FAULTS, judge, type Fault, type Finding, type Terms } from "./verdict.ts";
export { startByteCut, type ByteCut, type Cut } from "./byte-cut.ts";
export { cutEverywhere, cuts, tooFew, type CutTerms } from "./trials/cuts.ts";
export { neverReaders } from "./trials/never-readers.ts";
export { overload } from "./trials/overload.ts";
export { storm, STORM_P99_MS } from "./trials/storm.ts";
export { freshId, quantile, type TrialOutcome, type TrialTarget, type TrialTerms } from "./trials/trial.ts";
