/** `npm run simulate -- --mutants`: hunts every mutant, tells which seed saw it, and keeps that in results/mutants.json. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { surroundings } from "../../../../scripts/surroundings.ts";
import { hunt, type Hunted } from "./hunt.ts";
import { MUTANTS } from "./mutants.ts";

export interface ReportTerms {
  /** The most seeds for each. */
  readonly seeds: number;
  readonly workers: number;
  /** These alone, by name; all when empty. */
  readonly names: readonly string[];
  readonly isJson: boolean;
  readonly records: boolean;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

/** One line of results/mutants.json. */
interface Result {
  readonly mutant: string;
  /** What it does, and which promise that breaks. */
  readonly does: string;
  readonly promise: string;
  readonly engine: string;
  /** The first seed that saw it; null when none did. */
  readonly seed: number | null;
  /** Which promise was seen to be broken. */
  readonly seen: string | null;
  readonly finding: string | null;
}

/** Which seed saw each when that was recorded last. */
export function recordedSeeds(): ReadonlyMap<string, number> {
  const { results } = JSON.parse(readFileSync(RESULTS, "utf8")) as { readonly results: readonly Result[] };
  return new Map(results.flatMap(({ mutant, seed }) => (seed === null ? [] : [[mutant, seed] as const])));
}

const RESULTS = join(import.meta.dirname, "../../results/mutants.json");
/** Of a finding, which may tell the whole story of a request. */
const TOLD_LENGTH = 160;

function resultOf({ mutant: { name, does, promise, engine }, failure }: Hunted): Result {
  const finding = failure ? failure.finding.what.split("\n")[0]!.slice(0, TOLD_LENGTH) : null;
  return { mutant: name, does, promise, engine, seed: failure?.seed ?? null, seen: failure?.finding.promise ?? null, finding };
}

const row = ({ mutant, promise, engine, seed, seen, finding }: Result): string =>
  `${mutant.padEnd(34)} ${promise.padEnd(5)} ${engine.padEnd(9)} ${String(seed ?? "none").padStart(5)}  ${(seen ?? "").padEnd(5)} ${finding ?? "not seen"}`;

/** True when all were seen. */
export async function reportMutants({ seeds, workers, names, isJson, records, signal, print }: ReportTerms): Promise<boolean> {
  const unknown = names.filter((name) => MUTANTS.every((mutant) => mutant.name !== name));
  if (unknown.length > 0) throw new Error(`There is no mutant "${unknown[0]}"; there are ${MUTANTS.map(({ name }) => name).join(", ")}.`);
  const wanted = MUTANTS.filter(({ name }) => names.length === 0 || names.includes(name));
  if (!isJson) print(`${"mutant".padEnd(34)} ${"breaks".padEnd(5)} ${"engine".padEnd(9)} seed  seen  finding`);
  const onHunted = (hunted: Hunted): void => void (isJson || print(row(resultOf(hunted))));
  const hunted = await hunt(wanted, { seeds, workers, signal, onHunted });
  const results = hunted.map(resultOf);
  const seen = results.filter(({ seed }) => seed !== null).length;
  const kept = { ...surroundings(), seeds, seen, of: wanted.length, results };
  if (isJson) print(JSON.stringify(kept));
  else print(`${seen} of ${wanted.length} were seen within ${seeds} seeds each`);
  if (records) {
    mkdirSync(dirname(RESULTS), { recursive: true });
    writeFileSync(RESULTS, `${JSON.stringify(kept, undefined, 2)}\n`);
  }
  return seen === wanted.length;
}
