/**
 * Survivors that were looked at, by kind, each with the reason why no test is to notice them. They count as survivors
 * all the same. A site that explains no mutant of core any more fails this tool's test.
 */
import type { Mutant } from "./mutants.ts";

export interface Kind {
  readonly name: string;
  readonly why: string;
  readonly sites: readonly Site[];
}

/** All that is given has to hold. */
export interface Site {
  readonly file?: string;
  readonly mutator?: string;
  readonly was?: RegExp;
  readonly becomes?: RegExp;
  /** The line that the mutant begins in. */
  readonly text?: RegExp;
  readonly isBoundary?: true;
}

/** `<` for `<=`, or `>` for `>=`, and the other way round. */
const isBoundary = ({ mutator, was, becomes }: Mutant): boolean =>
  mutator === "EqualityOperator" && was.replace(/([<>])=/, "$1") === becomes.replace(/([<>])=/, "$1");

export const isAt = (site: Site, mutant: Mutant): boolean =>
  (site.file === undefined || mutant.file.endsWith(`/${site.file}`)) &&
  (site.mutator === undefined || mutant.mutator === site.mutator) &&
  (site.was?.test(mutant.was) ?? true) &&
  (site.becomes?.test(mutant.becomes) ?? true) &&
  (site.text?.test(mutant.text) ?? true) &&
  (site.isBoundary === undefined || isBoundary(mutant));

export const KINDS: readonly Kind[] = [
  {
    name: "undefined for left out",
    why: "A member that is undefined is printed, stored and read as one that is not there.",
    sites: [
      { was: /!== undefined$/, becomes: /^true$/, text: /\.\.\.\(.+ && / },
      { file: "flow/deliver/deliver.ts", was: /^coalesceKey === undefined$/, becomes: /^false$/ },
    ],
  },
  {
    name: "one millisecond",
    why: "Whether something is due at a moment or right after it: nothing is promised to the millisecond.",
    sites: [{ isBoundary: true, was: /\b(now|monotonic\(\)|tookMs|\w+At|\w+Ms)\b/ }],
  },
  {
    name: "cost alone",
    why: "What follows is the same, at another price: a shortcut is not taken, work is done that comes to nothing, or something small is kept for longer.",
    sites: [
      { file: "json-length.ts", isBoundary: true, was: /^length <= limit$/ },
      { file: "rules/durations.ts", was: /weight > MAX_WEIGHT$/, becomes: /true/ },
      { file: "flow/learn.ts", was: /^((aboveMs|above) > 0|!entry\.current|same\.durations\.count >= .+)$/, becomes: /^true$|>= 0$/ },
      { file: "flow/deliver/deliver.ts", was: /^ofConnection\?\.size === 0$/, becomes: /^false$/ },
      { file: "flow/deliver/cursor.ts", was: /^this\.#phase\.name !== "behind"$/, becomes: /^true$/ },
      { file: "flow/deliver/deliver.ts", was: /^frames\.length === 0$/, becomes: /^false$/ },
      { file: "flow/report/reporter.ts", was: /dueInMs\(this\.#ports\.clock\.monotonic\(\)\) === 0$/, becomes: /^false$/ },
      { file: "flow/runs/runs.ts", was: /^run\.phase\.name === "promoting"$/, becomes: /^true$/ },
      { file: "flow/runs/answer.ts", text: /told\.length === 1/ },
    ],
  },
  {
    name: "log alone",
    why: "It decides whether, or with what, something is logged.",
    sites: [{ text: /\blog\.(debug|info|warn|error)|\blog\.info\?/ }, { was: /^\(problem: Error\) =>\s+log\.warn/ }],
  },
  {
    name: "the last of several names",
    why: "A union's other members are asked for by name; what is none of them is this one.",
    sites: [{ file: "flow/runs/execute.ts", was: /^"threw"$/ }],
  },
  {
    name: "guarded twice",
    why: "Another check, or a member that only this case has, already decides it.",
    sites: [
      { file: "flow/runs/registry.ts", was: /^phase\.name === "answering"$/, becomes: /^true$/ },
      { file: "flow/report/reporter.ts", was: /^"close"$/, text: /#become/ },
      { file: "flow/deliver/deliver.ts", was: /^cursor\.phase === "live"$/, becomes: /^true$/ },
      { file: "flow/deliver/deliver.ts", was: /^\[\]$/, text: /follower\.after !== undefined/ },
      { file: "thrown.ts", was: /^value !== null$/, text: /JSON\.stringify/ },
      { file: "loops.ts", was: /^phase\.name === "going"$/, text: /again = true/ },
    ],
  },
  {
    name: "a stray rejection",
    why: "A promise that nobody waits for rejects: vitest fails for it, this tool's tests do not.",
    sites: [{ was: /\.catch\(\(\) => \{\}\)/ }],
  },
];
