/** The warnings of a run, gathered from what its stages found: the same list in the result, the card and the report. */
import type { Warning } from "../../warnings.ts";
import { count } from "../progress.ts";
import type { Finished } from "../stages/postprocess.ts";

export function runWarnings({ ingested, preprocessed }: Pick<Finished, "ingested" | "preprocessed">): Warning[] {
  const { duplicates, missingTarget } = preprocessed.clean;
  return [
    ...some(
      "bad_rows",
      ingested.badRows.count,
      (rows, were) => `${rows} could not be read and ${were} left out; data.bad_row_samples shows the first.`,
    ),
    ...some("repeated_rows", duplicates, (rows, were) => `${rows} ${were} taken for repeats by options.duplicates, and scored only.`),
    ...some("missing_target", missingTarget, (rows, were) => `${rows} without a target ${were} scored only (options.missing_target).`),
  ];
}

function some(kind: Warning["kind"], rows: number, message: (rows: string, were: string) => string): Warning[] {
  if (rows === 0) return [];
  return [{ kind, message: rows === 1 ? message("1 row", "was") : message(`${count(rows)} rows`, "were"), count: rows }];
}
