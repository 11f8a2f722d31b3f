/** The warnings of a run, gathered from what its stages found: the same list in the result, the card and the report. */
import type { Warning } from "../../warnings.ts";
import type { Finished } from "../stages/postprocess.ts";

export function runWarnings({ ingested }: Pick<Finished, "ingested">): Warning[] {
  const { count } = ingested.badRows;
  if (count === 0) return [];
  const left = count === 1 ? "1 row could not be read and was" : `${count.toLocaleString("en-US")} rows could not be read and were`;
  return [{ kind: "bad_rows", message: `${left} left out; data.bad_row_samples shows the first.`, count }];
}
