/** What became of each mutant: kept for the next run, counted by file and folder, and survivors one by one. */
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
  readonly survived: number;
  readonly percent: number;
}

const isNoticed = ({ fate }: Outcome): boolean => fate === "killed" || fate === "timed out";

export function scoreOf(outcomes: readonly Outcome[]): Score {
  const killed = outcomes.filter(isNoticed).length;
  const percent = outcomes.length === 0 ? 100 : Math.round((killed / outcomes.length) * 1_000) / 10;
  return { mutants: outcomes.length, killed, survived: outcomes.length - killed, percent };
}

/** By what `nameOf` says, in the order of names. */
export function scoresBy(outcomes: ReadonlyMap<Mutant, Outcome>, nameOf: (file: string) => string): Readonly<Record<string, Score>> {
  const groups = Map.groupBy(outcomes, ([{ file }]) => nameOf(file));
  const names = Array.from(groups.keys()).toSorted();
  return Object.fromEntries(names.map((name) => [name, scoreOf(groups.get(name)!.map(([, outcome]) => outcome))]));
}

export const folderOf = (file: string): string => dirname(file.replace("packages/core/src/", "")).replace(/^\.$/, "(top)");

const oneLine = (text: string): string => text.replace(/\s+/g, " ").slice(0, 100);

export interface Survivor {
  readonly at: string;
  readonly mutator: string;
  readonly was: string;
  readonly becomes: string;
}

export function survivorsOf(outcomes: ReadonlyMap<Mutant, Outcome>): readonly Survivor[] {
  return Array.from(outcomes)
    .filter(([, outcome]) => !isNoticed(outcome))
    .map(([{ file, line, column, mutator, was, becomes }]) => ({
      at: `${file}:${line}:${column}`,
      mutator,
      was: oneLine(was),
      becomes: oneLine(becomes),
    }));
}

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
