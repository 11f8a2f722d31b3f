/**
 * The table `clean`: every row of `raw`, in its order, with its part of the split (split.ts), its label and its input
 * columns, cast to what they are. Rows that take no part in learning are in it too, because they are scored. Nothing in
 * it is computed from other rows: statistics belong to the recipe.
 */
import type { Database } from "../../duckdb/database.ts";
import type { ProcessInput } from "../input.ts";
import { unusable } from "../problem.ts";
import type { InputColumn } from "./columns.ts";
import { createParts, REPEATED, ROW, supervised, TEST, UNLABELLED } from "./split.ts";
import type { Target } from "./target.ts";

export { TEST } from "./split.ts";

/** Fewer cannot be split into what is learned from and what is measured on. */
const MIN_ROWS = 20;
const MIN_UNLABELLED_ROWS = 3;

export interface CleanRows {
  /** Those that take part: learned from, or measured on. */
  readonly rows: number;
  /** Left out by options.duplicates. */
  readonly duplicates: number;
  /** Left out by options.missing_target. */
  readonly missingTarget: number;
  /** Rows by part: train and test, or the folds. */
  readonly parts: readonly number[];
}

export interface CleanTerms {
  readonly input: ProcessInput;
  readonly inputs: readonly InputColumn[];
  readonly target: Target | undefined;
  /** The column of options.time_column. */
  readonly time?: InputColumn | undefined;
  /** Scores with an earlier model: none is for training. */
  readonly scoring: boolean;
}

export async function createCleanTable(database: Database, { input, inputs, target, time, scoring }: CleanTerms): Promise<CleanRows> {
  const { options } = input;
  const cells = inputs.map((column) => `, ${column.sql} AS ${column.cell}`).join("");
  if (scoring) {
    await database.execute(
      `CREATE OR REPLACE TABLE clean AS SELECT rowid::INTEGER AS row, ${target ? target.sql : "NULL::VARCHAR"} AS label, ${TEST} AS part,
         false AS inner_test, hash(${options.seed}, rowid) AS h${cells} FROM raw AS ${ROW}`,
    );
  } else {
    await createParts(database, { input, label: target?.sql, isClass: target?.kind === "class", time });
    await database.execute(
      `CREATE OR REPLACE TABLE clean AS SELECT parts.row::INTEGER AS row, cells.label, parts.part, parts.inner_test, parts.h, cells.* EXCLUDE (label)
       FROM (SELECT ${target ? target.sql : "NULL::VARCHAR"} AS label${cells} FROM raw AS ${ROW}) AS cells POSITIONAL JOIN parts`,
    );
    await database.execute("DROP TABLE parts");
  }
  const counted = await database.rows<{ part: number; rows: number }>(
    "SELECT part::DOUBLE AS part, count(*)::DOUBLE AS rows FROM clean GROUP BY part ORDER BY part",
  );
  const rowsOf = (part: number): number => counted.find((one) => one.part === part)?.rows ?? 0;
  const parts = Array.from({ length: Math.max(2, options.folds) }, (_, part) => rowsOf(part));
  const rows = parts.reduce((sum, one) => sum + one, 0);
  const [duplicates, missingTarget] = [rowsOf(REPEATED), rowsOf(UNLABELLED)];
  if (!scoring) refuseTooFew({ rows, duplicates, missingTarget }, parts, input);
  return { rows, duplicates, missingTarget, parts };
}

function refuseTooFew({ rows, duplicates, missingTarget }: Omit<CleanRows, "parts">, parts: readonly number[], input: ProcessInput): void {
  const least = supervised(input) ? MIN_ROWS : MIN_UNLABELLED_ROWS;
  if (rows < least) {
    const repeated = duplicates > 0 ? ` (${duplicates} that repeat others are left out)` : "";
    const unlabelled = missingTarget > 0 ? ` (${missingTarget} without a target are left out)` : "";
    throw unusable(`There are ${rows} rows to learn from${repeated}${unlabelled}, too few; ${least} are the least.`);
  }
  if (supervised(input) && parts.some((part) => part === 0)) throw unusable(emptyPart(rows, input));
}

function emptyPart(rows: number, { id_columns, options }: ProcessInput): string {
  const found = `The split left one part of ${rows} rows empty.`;
  if (options.split_by === "time")
    return `${found} Too many rows share their moment in "${options.time_column}", and these stay together. Choose a finer column, or split by rows.`;
  const ids = id_columns
    ? ` Rows with the same ${id_columns.map((name) => `"${name}"`).join(", ")} stay together: give id_columns that tell more rows apart, or`
    : " Give";
  return `${found}${ids} more rows, another options.seed, or fewer options.folds (now ${options.folds}).`;
}

/** The rows a fit may look at: all but the test part or fold, and of these without those held out for choosing. */
export function trainingRows(held: number | undefined, { validation }: { readonly validation: "in" | "out" | "only" }): string {
  const outer = held === undefined ? "part >= 0" : `part >= 0 AND part <> ${held}`;
  return validation === "in" ? outer : `${outer} AND ${validation === "only" ? "" : "NOT "}inner_test`;
}
