/** What is printed and recorded of a run: scores, and survivors by the kind that explains them. */
import { isAt, KINDS } from "./kinds.ts";
import type { Mutant } from "./mutants.ts";
import { folderOf, intervalOf, isNoticed, scoreOf, scoresBy, type Interval, type Kept, type Outcome, type Score } from "./results.ts";

/** `sample`: the mutants that were to be tried, of `all` there are. */
export interface Extent {
  readonly all: readonly Mutant[];
  readonly sample: readonly Mutant[];
}

interface Summary {
  readonly extent: "whole" | "sample";
  readonly mutants_of_core: number;
  /** Of the extent, those that were not come to. */
  readonly untried: number;
  readonly all: Score;
  /** Where the score of all of core lies, in percent, if this is a sample. */
  readonly interval_95?: Interval;
  readonly folders: Readonly<Record<string, Score>>;
  /** How many survivors each kind explains, and how many none does. */
  readonly survivors: Readonly<Record<string, number>>;
}

export interface Report {
  readonly summary: Summary;
  readonly files: Readonly<Record<string, Score>>;
  readonly unexplained: readonly Mutant[];
}

const UNEXPLAINED = "unexplained";

const kindOf = (mutant: Mutant): string => KINDS.find(({ sites }) => sites.some((site) => isAt(site, mutant)))?.name ?? UNEXPLAINED;

export function reportOf({ all, sample }: Extent, kept: Kept): Report {
  const outcomes = new Map<Mutant, Outcome>();
  for (const mutant of sample) if (kept[mutant.key]) outcomes.set(mutant, kept[mutant.key]!);
  const survivors = Array.from(outcomes).flatMap(([mutant, outcome]) => (isNoticed(outcome) ? [] : [mutant]));
  const kinds = Map.groupBy(survivors, kindOf);
  const isWhole = outcomes.size === all.length;
  const fates = Array.from(outcomes.values());
  const summary: Summary = {
    extent: isWhole ? "whole" : "sample",
    mutants_of_core: all.length,
    untried: sample.length - outcomes.size,
    all: scoreOf(fates),
    ...(!isWhole && { interval_95: intervalOf(fates) }),
    folders: scoresBy(outcomes, folderOf),
    survivors: Object.fromEntries(Array.from(kinds, ([kind, mutants]) => [kind, mutants.length])),
  };
  return { summary, files: scoresBy(outcomes, (file) => file), unexplained: kinds.get(UNEXPLAINED) ?? [] };
}
