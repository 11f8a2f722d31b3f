/** The first promise that a run broke: what follows from it is no finding of its own. */
export interface Finding {
  readonly promise: string;
  readonly what: string;
  readonly atMs: number;
}

export type Report = (promise: string, what: string) => void;

export interface Findings {
  readonly report: Report;
  readonly first: Finding | undefined;
}

export function createFindings(now: () => number): Findings {
  let first: Finding | undefined;
  return {
    report: (promise, what) => void (first ??= { promise, what, atMs: now() }),
    get first() {
      return first;
    },
  };
}
