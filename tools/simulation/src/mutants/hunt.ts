/** Runs the simulation with a bug planted, a seed after the other, until it is seen. */
import { simulateMany, type Failure } from "../many.ts";
import { planted, type Mutant } from "./mutant.ts";

export interface Hunted {
  readonly mutant: Mutant;
  /** What was seen first; undefined when nothing was. */
  readonly failure: Failure | undefined;
  /** How many seeds were run, the last of them the one that saw it. */
  readonly seeds: number;
}

export interface Hunt {
  /** The most seeds for each. */
  readonly seeds: number;
  /** Mutants at once, each in a process of its own. */
  readonly workers: number;
  /** By name, which seed saw it before: it is tried first. */
  readonly recorded?: ReadonlyMap<string, number>;
  readonly signal?: AbortSignal;
  readonly onHunted?: (hunted: Hunted) => void;
}

export async function hunt(mutants: readonly Mutant[], { seeds, workers, recorded, signal, onHunted }: Hunt): Promise<readonly Hunted[]> {
  for (const mutant of mutants) planted(mutant);
  const found = new Map<Mutant, Hunted>();
  const left = [...mutants];

  /** One seed at a time: the first that sees it is the same in every hunt. */
  async function huntOne(mutant: Mutant, from: number, count: number): Promise<Hunted> {
    const { engine, name } = mutant;
    const terms = { engine, from, count, workers: 1, mutant: name, ...(signal && { signal }) };
    const { seeds: tried, failures } = await simulateMany(terms);
    return { mutant, failure: failures[0], seeds: tried };
  }

  async function lane(): Promise<void> {
    for (let mutant = left.shift(); mutant && !signal?.aborted; mutant = left.shift()) {
      const known = recorded?.get(mutant.name);
      const again = known === undefined ? undefined : await huntOne(mutant, known, 1);
      const hunted = again?.failure ? again : await huntOne(mutant, 1, seeds);
      found.set(mutant, hunted);
      onHunted?.(hunted);
    }
  }

  await Promise.all(Array.from({ length: workers }, lane));
  return mutants.flatMap((mutant) => found.get(mutant) ?? []);
}
