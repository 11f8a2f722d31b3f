/** What a theme of attack is: something is done with an ordinary token, or none, while a bystander is asked what it feels. */
import type { Row, Suite } from "@streamer/torture";
import type { Target } from "./target.ts";

export interface AttackTerms {
  readonly target: Target;
  readonly count: number;
  /** Numbers in [0, 1) that the seed repeats. */
  readonly random: () => number;
  /** Aborts when it is to stop. */
  readonly signal: AbortSignal;
  tell(text: string): void;
}

interface Attacked {
  /** What was counted. */
  readonly counted: Row;
  /** What should not have been, each with how it was seen. */
  readonly broken: readonly string[];
}

export interface Theme extends Pick<Suite, "name" | "unit" | "counts" | "limitSeconds"> {
  /** What is done, in one line. */
  readonly does: string;
  /** So often in every run of the project's tests; left out where that takes long. */
  readonly smoke?: number;
  /** It is of use only where the server's inside is seen. */
  readonly needsInside?: boolean;
  /** More arguments for `streamer serve`. */
  readonly serveArgs?: readonly string[];
  attack(terms: AttackTerms): Promise<Attacked>;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
