/** What a suite of faults is: something is broken again and again, and everyone who asked is heard. */

export const SIZES = ["ci", "release"] as const;
export type Size = (typeof SIZES)[number];

export type Row = Readonly<Record<string, string | number>>;

export interface Terms {
  readonly size: Size;
  /** How often the fault is to happen: the suite's count for the size, or what was asked for. */
  readonly count: number;
  readonly seed: number;
  /** Numbers in [0, 1) that the seed repeats. */
  readonly random: () => number;
  /** An empty folder of its own, removed afterwards. */
  readonly scratch: string;
  /** Aborts when the suite is to stop: what it started has to end before `run` settles. */
  readonly signal: AbortSignal;
  /** Tells how far it is, for people. */
  tell(text: string): void;
}

export interface Outcome {
  /** What was counted and measured. */
  readonly figures: readonly Row[];
  /** Promises that were broken, each with the id it was broken to, as the client or the store showed it. Empty: all were kept. */
  readonly broken: readonly string[];
}

export interface Suite {
  readonly name: string;
  /** What is done to the server, in one line. */
  readonly fault: string;
  /** What `count` counts: "kills", "connections". */
  readonly unit: string;
  readonly counts: Readonly<Record<Size, number>>;
  /** So often in every run of the project's tests; left out where little tells nothing, or takes long. */
  readonly smoke?: number;
  /** Only root can do that to a server. */
  readonly needsRoot?: boolean;
  /** Longest it may take, in seconds, by size: after that it is aborted and has failed. */
  readonly limitSeconds: Readonly<Record<Size, number>>;
  run(terms: Terms): Promise<Outcome>;
}
