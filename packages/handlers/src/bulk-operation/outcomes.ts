/** What became of the items of a bulk operation: one report each, and their count by outcome. */

/** The first four are successes: the table now says what was asked for. */
const ITEM_OUTCOMES = ["created", "updated", "deleted", "unchanged", "not_found", "conflict", "invalid"] as const;
export type ItemOutcome = (typeof ITEM_OUTCOMES)[number];

const FAILURES: ReadonlySet<ItemOutcome> = new Set(["not_found", "conflict", "invalid"]);

export interface ItemReport {
  /** Its place in `items`, from 0. */
  readonly index: number;
  readonly id: string;
  readonly outcome: ItemOutcome;
  /** Says why, when it failed. */
  readonly message?: string;
}

export type Counts = { readonly [outcome in ItemOutcome]: number };

export const isFailure = ({ outcome }: ItemReport): boolean => FAILURES.has(outcome);

export function countOutcomes(reports: readonly ItemReport[]): Counts {
  const counts = Object.fromEntries(ITEM_OUTCOMES.map((outcome) => [outcome, 0])) as Record<ItemOutcome, number>;
  for (const { outcome } of reports) counts[outcome] += 1;
  return counts;
}
