/** What became of each mutant: kept for the next run, counted by file and folder. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Mutant } from "./mutants.ts";

/** `survived`: tests ran it and noticed nothing. `uncovered`: none ran it. */
export type Fate = "killed" | "timed out" | "survived" | "uncovered";
export interface Outcome {
  readonly fate: Fate;
  /** The test that noticed. */
  readonly by?: string;
}

export interface Score {
  readonly mutants: number;
  readonly killed: number;
  /** Noticed as well: what the mutant did came to no end. */
  readonly timed_out: number;
  readonly survived: number;
  readonly uncovered: number;
  readonly percent: number;
}

export const isNoticed = ({ fate }: Outcome): boolean => fate === "killed" || fate === "timed out";
const percentOf = (share: number): number => Math.round(share * 1_000) / 10;

export function scoreOf(outcomes: readonly Outcome[]): Score {
  const count = (fate: Fate): number => outcomes.filter((outcome) => outcome.fate === fate).length;
  const noticed = outcomes.filter(isNoticed).length;
  return {
    mutants: outcomes.length,
    killed: count("killed"),
    timed_out: count("timed out"),
    survived: count("survived"),
    uncovered: count("uncovered"),
    percent: outcomes.length === 0 ? 100 : percentOf(noticed / outcomes.length),
  };
}

const NORMAL_95 = 1.96;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Where the score of all lies if `outcomes` are a sample of them: Wilson's interval, 95 %, in percent. */
export function intervalOf(outcomes: readonly Outcome[]): Interval {
  const count = outcomes.length;
  if (count === 0) return { low: 0, high: 100 };
  const share = outcomes.filter(isNoticed).length / count;
  const square = NORMAL_95 ** 2;
  const middle = share + square / (2 * count);
  const reach = NORMAL_95 * Math.sqrt((share * (1 - share)) / count + square / (4 * count ** 2));
  const scale = 1 + square / count;
  return { low: percentOf(Math.max(0, (middle - reach) / scale)), high: percentOf((middle + reach) / scale) };
}

/** By what `nameOf` says, in the order of names. */
export function scoresBy(outcomes: ReadonlyMap<Mutant, Outcome>, nameOf: (file: string) => string): Readonly<Record<string, Score>> {
  const groups = Map.groupBy(outcomes, ([{ file }]) => nameOf(file));
  const names = Array.from(groups.keys()).toSorted();
  return Object.fromEntries(names.map((name) => [name, scoreOf(groups.get(name)!.map(([, outcome]) => outcome))]));
}

export const folderOf = (file: string): string => dirname(file.replace("packages/core/src/", "")).replace(/^\.$/, "(top)");

const oneLine = (text: string): string => text.replace(/\s+/g, " ").slice(0, 100);

export const lineOf = ({ file, line, column, mutator, was, becomes }: Mutant): string =>
  `${file}:${line}:${column} ${mutator}: ${oneLine(was)} -> ${oneLine(becomes)}`;

/** Outcomes by the key of their mutant. What was noticed stays so while the file is the same; survivors may be tried again. */
export type Kept = Record<string, Outcome>;

export async function readKept(file: string): Promise<Kept> {
  const text = await readFile(file, "utf8").catch(() => "{}");
  return JSON.parse(text) as Kept;
}

export async function writeKept(file: string, kept: Kept): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(kept));
}
