/** What became of the items of a bulk operation: one report each, and their count by outcome. */
import * as z from "zod";

/** The first four are successes: the table now says what was asked for. */
const ITEM_OUTCOMES = ["created", "updated", "deleted", "unchanged", "not_found", "conflict", "invalid"] as const;
export type ItemOutcome = (typeof ITEM_OUTCOMES)[number];

const FAILURES: ReadonlySet<ItemOutcome> = new Set(["not_found", "conflict", "invalid"]);

export const itemReport = z
  .object({
    index: z.int().describe("Its place in items, from 0."),
    id: z.string(),
    outcome: z.enum(ITEM_OUTCOMES),
    message: z.string().exactOptional().describe("Says why, when it failed."),
  })
  .readonly();
export type ItemReport = z.infer<typeof itemReport>;

export const itemCounts = z.record(z.enum(ITEM_OUTCOMES), z.int());
export type Counts = z.infer<typeof itemCounts>;

export const isFailure = ({ outcome }: ItemReport): boolean => FAILURES.has(outcome);

const NONE = Object.fromEntries(ITEM_OUTCOMES.map((outcome) => [outcome, 0])) as Readonly<Record<ItemOutcome, number>>;

/** Of `reports`, and of those counted before. */
export function countOutcomes(reports: readonly ItemReport[], before: Counts = NONE): Counts {
  const counts = { ...NONE, ...before };
  for (const { outcome } of reports) counts[outcome] += 1;
  return counts;
}
