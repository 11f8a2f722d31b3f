/**
 * The table `clean`: the rows that take part, each with its part of the split, its label and its input columns, cast to
 * what they are. Nothing in it is computed from other rows, except which rows repeat: statistics belong to the recipe.
 *
 * Splits are by hash (of the ids, or of the whole row where there are none), so they depend on neither the order of the
 * file nor on chance, and equal rows are never on both sides.
 */
import type { Database } from "../../duckdb/database.ts";
import { identifier } from "../../duckdb/sql.ts";
import type { ProcessInput } from "../input.ts";
import { unusable } from "../problem.ts";
import { cellSql, type InputColumn } from "./columns.ts";
import type { Target } from "./target.ts";

/** Values of `part`. With folds the parts are the folds' numbers, and `inner` still tells validation from the rest. */
const TRAIN = 0;
export const TEST = 1;

/** Part of the training rows that candidates are compared on, early stopping looks at, and confidences are fitted to. */
const VALIDATION_SHARE = 0.2;
/** Fewer cannot be split into what is learned from and what is measured on. */
const MIN_ROWS = 20;
const MIN_UNLABELLED_ROWS = 3;
/** A whole row as one value; a name no column has by accident. */
const ROW = '"~row"';
const HASH_RANGE = 1_000_000;

export interface CleanRows {
  readonly rows: number;
  readonly duplicates: number;
  readonly missingTarget: number;
  /** Rows by part: train and test, or the folds. */
  readonly parts: readonly number[];
}

export interface CleanTerms {
  readonly input: ProcessInput;
  readonly inputs: readonly InputColumn[];
  readonly target: Target | undefined;
  /** Scores with an earlier model: every row stays, and none is for training. */
  readonly scoring: boolean;
}

export async function createCleanTable(database: Database, { input, inputs, target, scoring }: CleanTerms): Promise<CleanRows> {
  const { options, id_columns } = input;
  const dropsRepeats = !scoring && (options.duplicates === "drop" || (options.duplicates === "auto" && supervised(input)));
  const isRepeat = dropsRepeats ? `rowid NOT IN (SELECT min(rowid) FROM raw AS ${ROW} GROUP BY hash(${ROW}))` : "false";
  const [{ all, duplicates } = { all: 0, duplicates: 0 }] = await database.rows<{ all: number; duplicates: number }>(
    `SELECT count(*)::DOUBLE AS "all", (count(*) FILTER (${isRepeat}))::DOUBLE AS duplicates FROM raw`,
  );
  const key = id_columns ? id_columns.map((name) => `${identifier(name)}::VARCHAR`).join(", ") : ROW;
  const cells = inputs.map((column) => `${cellSql(column)} AS ${column.cell}`);
  const label = target ? target.sql : "NULL::VARCHAR";
  const keepsRow = [...(dropsRepeats ? [`NOT (${isRepeat})`] : []), ...(target && !scoring ? [`(${target.sql}) IS NOT NULL`] : [])];
  await database.execute(
    `CREATE OR REPLACE TABLE clean AS
     SELECT row, label, ${partSql(input, scoring)} AS part, hash(h, 'inner') % ${HASH_RANGE} < ${VALIDATION_SHARE * HASH_RANGE} AS inner_test, h${cells.length > 0 ? `, ${inputs.map(({ cell }) => cell).join(", ")}` : ""}
     FROM (SELECT rowid::INTEGER AS row, ${label} AS label, hash(${options.seed}, ${key}) AS h${cells.map((cell) => `, ${cell}`).join("")}
           FROM raw AS ${ROW}${keepsRow.length > 0 ? ` WHERE ${keepsRow.join(" AND ")}` : ""})`,
  );
  if (!scoring && target?.kind === "class" && supervised(input)) await moveRareClasses(database, options.folds > 0);
  const [{ rows } = { rows: 0 }] = await database.rows<{ rows: number }>("SELECT count(*)::DOUBLE AS rows FROM clean");
  const counted = await database.rows<{ part: number; rows: number }>(
    "SELECT part, count(*)::DOUBLE AS rows FROM clean GROUP BY part ORDER BY part",
  );
  const parts = Array.from({ length: Math.max(2, options.folds) }, (_, part) => counted.find((one) => one.part === part)?.rows ?? 0);
  if (!scoring) refuseTooFew({ rows, duplicates }, parts, input);
  return { rows, duplicates, missingTarget: all - duplicates - rows > 0 && target ? target.missing : 0, parts };
}

const supervised = ({ pipeline }: ProcessInput): boolean => pipeline === "classification" || pipeline === "regression";

function partSql(input: ProcessInput, scoring: boolean): string {
  if (scoring) return `${TEST}`;
  if (!supervised(input)) return `${TRAIN}`;
  const { folds, test_fraction } = input.options;
  return folds > 0 ? `(h % ${folds})::INTEGER` : `(h % ${HASH_RANGE} < ${Math.round(test_fraction * HASH_RANGE)})::INTEGER`;
}

/** A class with no training row could not be learned: its rows are all learned from then, and none is tested. */
async function moveRareClasses(database: Database, hasFolds: boolean): Promise<void> {
  if (!hasFolds) {
    await database.execute(`UPDATE clean SET part = ${TRAIN} WHERE label NOT IN (SELECT label FROM clean WHERE part = ${TRAIN})`);
  }
  await database.execute("UPDATE clean SET inner_test = false WHERE label NOT IN (SELECT label FROM clean WHERE NOT inner_test)");
}

function refuseTooFew(
  { rows, duplicates }: { readonly rows: number; readonly duplicates: number },
  parts: readonly number[],
  input: ProcessInput,
): void {
  const least = supervised(input) ? MIN_ROWS : MIN_UNLABELLED_ROWS;
  if (rows < least) {
    const repeated = duplicates > 0 ? ` (${duplicates} that repeat others are left out)` : "";
    throw unusable(`There are ${rows} rows to learn from${repeated}, too few; ${least} are the least.`);
  }
  if (supervised(input) && parts.some((part) => part === 0)) {
    throw unusable(
      `The split left one part of ${rows} rows empty. Give more rows, another options.seed, or fewer options.folds (now ${input.options.folds}).`,
    );
  }
}

/** The rows a fit may look at: all but the test part or fold, and of these without those held out for choosing. */
export function trainingRows(held: number | undefined, { validation }: { readonly validation: "in" | "out" | "only" }): string {
  const outer = held === undefined ? "true" : `part <> ${held}`;
  return validation === "in" ? outer : `${outer} AND ${validation === "only" ? "" : "NOT "}inner_test`;
}
