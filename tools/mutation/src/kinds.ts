/** Survivors that were looked at, by kind, each with the reason why no test is to notice them. */
import type { Mutant } from "./mutants.ts";

export interface Kind {
  readonly name: string;
  readonly why: string;
  readonly explains: (mutant: Mutant) => boolean;
}

export const KINDS: readonly Kind[] = [];
