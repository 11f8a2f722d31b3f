/** Which tests are tried against which mutant, and for how long. */
import { join } from "node:path";
import { Worker, type WorkerTerms } from "./crew.ts";
import type { Mutant } from "./mutants.ts";
import type { Report } from "./worker.ts";

/** They tell whole stories under faults: each takes seconds, and what they notice others do. */
const SLOW = "crashes and repeats|against a model";
/** A test under a mutant may take this much longer than without. */
const SLOWER_TIMES = 20;
const SLOWER_MS = 3_000;
/** A mutant that is run this much more often than without it is in a loop. */
const HITS_TIMES = 100;

export type Covered = Extract<Report, { readonly kind: "covered" }>;

/** Which tests reach which mutant. */
export async function cover(terms: WorkerTerms): Promise<Covered> {
  const worker = new Worker(terms);
  const answer = await worker.order({ kind: "cover", without: SLOW });
  worker.stop();
  if (answer.kind !== "covered") throw new Error(`The tests could not be run without any mutant: ${JSON.stringify(answer)}`);
  return answer;
}

export interface Plan {
  readonly tests: readonly { readonly id: string; readonly limitMs: number }[];
  readonly hitLimit: number;
  /** It is run while core is loaded, and must be switched on before. */
  readonly isStatic: boolean;
}

/** A test that only looks at a table runs nothing of its file. */
const isBeside = (root: string, testId: string, file: string): boolean => fileOf(testId) === join(root, file.replace(/\.ts$/, ".test.ts"));
export const fileOf = (testId: string): string => testId.slice(0, testId.lastIndexOf("#"));

/** For each mutant the tests that reach it; for one that is run while core is loaded, those that reach its file or stand beside it. */
export function createPlanner(root: string, mutants: readonly Mutant[], { coverage, tests }: Covered): (mutant: Mutant) => Plan {
  const usable = tests
    .filter(({ problem }) => problem === undefined)
    .toSorted((a, b) => a.ms - b.ms)
    .map((test) => ({ id: test.id, limitMs: Math.round(SLOWER_MS + SLOWER_TIMES * test.ms) }));
  const fileOfMutant = new Map(mutants.map(({ id, file }) => [id, file]));
  const reaching = new Map<string, Set<string>>();
  for (const { id } of usable) {
    const files = new Set(Object.keys(coverage.perTest[id] ?? {}).map((mutant) => fileOfMutant.get(mutant)));
    for (const file of files) if (file !== undefined) reaching.set(file, (reaching.get(file) ?? new Set()).add(id));
  }
  return ({ id, file }) => {
    const own = usable.filter((test) => coverage.perTest[test.id]?.[id] !== undefined);
    const most = Math.max(0, ...own.map((test) => coverage.perTest[test.id]![id]!));
    const isStatic = own.length === 0 && coverage.static[id] !== undefined;
    return {
      tests: isStatic ? usable.filter((test) => isBeside(root, test.id, file) || (reaching.get(file)?.has(test.id) ?? true)) : own,
      hitLimit: HITS_TIMES * Math.max(10, most),
      isStatic,
    };
  };
}
