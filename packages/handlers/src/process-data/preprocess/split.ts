/**
 * Which rows are learned from and which are held out: the table `parts`, a row for each of `raw` and in its order.
 *
 * What is divided are units: single rows, or, where ids are declared, all rows with the same values in all id columns, so
 * that no id is ever on both sides. Units are put in an order by a seeded hash, of the row's number or of its ids, and
 * never by what else a row holds; equal rows are divided like any others. The label decides strata and nothing else: each
 * class is divided by itself, in its own order, so that each part has its share of it. A unit of several classes counts
 * with the rarest of them.
 *
 * By time, the latest rows are the test part, and of the rest the latest are for choosing. Rows of one moment stay together.
 */
import type { Database } from "../../duckdb/database.ts";
import { identifier } from "../../duckdb/sql.ts";
import type { ProcessInput } from "../input.ts";
import { invalid } from "../problem.ts";
import { count } from "../progress.ts";
import type { InputColumn } from "./columns.ts";

/** Values of `part`. With folds the parts are the folds' numbers, and `inner_test` is not used. */
const TRAIN = 0;
export const TEST = 1;
/** Rows that are scored, and neither learned from nor measured on. */
export const REPEATED = -1;
export const UNLABELLED = -2;

/** Part of the training rows that candidates are compared on, early stopping looks at, and confidences are fitted to. */
const VALIDATION_SHARE = 0.2;
/** A whole row as one value; a name no column has by accident. */
export const ROW = '"~row"';
const OFFSETS = 1_000_000;

export interface SplitTerms {
  readonly input: ProcessInput;
  /** SQL of the label over `raw`; a row without one takes no part. */
  readonly label: string | undefined;
  readonly isClass: boolean;
  /** The column of options.time_column. */
  readonly time: InputColumn | undefined;
}

export const supervised = ({ pipeline }: ProcessInput): boolean => pipeline === "classification" || pipeline === "regression";

export async function createParts(database: Database, terms: SplitTerms): Promise<void> {
  const { input, label } = terms;
  const { options, id_columns } = input;
  const isRepeated = options.duplicates === "drop" ? `rowid NOT IN (SELECT min(rowid) FROM raw AS ${ROW} GROUP BY hash(${ROW}))` : "false";
  const key = id_columns ? id_columns.map((name) => `${identifier(name)}::VARCHAR`).join(", ") : "rowid";
  const time = terms.time === undefined ? "NULL::DOUBLE" : terms.time.sql;
  await database.execute(
    `CREATE OR REPLACE TABLE units AS
     SELECT rowid AS row, hash(${options.seed}, ${key}) AS h, ${label ?? "NULL"}::VARCHAR AS label, ${time} AS moment,
       CASE WHEN ${isRepeated} THEN ${REPEATED} ${label === undefined ? "" : `WHEN (${label}) IS NULL THEN ${UNLABELLED}`} ELSE ${TRAIN} END AS part
     FROM raw AS ${ROW}`,
  );
  if (terms.time) await refuseTimeless(database, terms.time.name);
  await database.execute(`CREATE OR REPLACE TABLE parts AS ${partsSql(terms)} ORDER BY row`);
  await database.execute("DROP TABLE units");
  if (terms.isClass && supervised(input)) await moveRareClasses(database, options.folds > 0);
}

function partsSql(terms: SplitTerms): string {
  const { input, time } = terms;
  if (!supervised(input)) return "SELECT row, h, label, part, false AS inner_test FROM units";
  return time ? byTime(input) : byHash(terms);
}

function byHash({ input, isClass }: SplitTerms): string {
  const { folds, seed, test_fraction } = input.options;
  const offset = (purpose: string): string => `(hash(${seed}, '${purpose}', stratum) % ${OFFSETS}) / ${OFFSETS}`;
  /** Where a unit stands in its stratum, from 0 to 1. Each stratum begins at an offset, so that small ones do not all end up in one part. */
  const place = (by: string, order: string, purpose: string): string =>
    `(sum(n) OVER (PARTITION BY ${by} ORDER BY ${order}) - n * (1 - ${offset(purpose)})) / sum(n) OVER (PARTITION BY ${by})`;
  const part = folds > 0 ? `least(floor(place * ${folds}), ${folds - 1})::INTEGER` : `(place < ${test_fraction})::INTEGER`;
  const strata = isClass
    ? "SELECT h, count(*) AS n, min(rarity) AS stratum FROM units JOIN classes USING (label) WHERE part >= 0 GROUP BY h"
    : "SELECT h, count(*) AS n, 0 AS stratum FROM units WHERE part >= 0 GROUP BY h";
  return `WITH classes AS (SELECT label, row_number() OVER (ORDER BY count(*), label) AS rarity FROM units WHERE part >= 0 GROUP BY label),
    strata AS (${strata}),
    placed AS (SELECT *, ${place("stratum", "h", "outer")} AS place FROM strata),
    parted AS (SELECT h, n, stratum, ${part} AS part FROM placed),
    divided AS (SELECT h, part, ${place("stratum, part", "hash(h, 'inner'), h", "inner")} < ${VALIDATION_SHARE} AS inner_test FROM parted)
    SELECT row, h, label, CASE WHEN units.part < 0 THEN units.part ELSE divided.part END AS part, coalesce(inner_test, false) AS inner_test
    FROM units LEFT JOIN divided USING (h)`;
}

/** Rows of one moment count as standing in the middle of them. */
function byTime({ options }: ProcessInput): string {
  const learned = 1 - options.test_fraction;
  return `WITH ranked AS (SELECT *, (rank() OVER later - 1 + count(*) OVER (PARTITION BY part, moment) / 2) / count(*) OVER (PARTITION BY part) AS place
      FROM units WINDOW later AS (PARTITION BY part ORDER BY moment))
    SELECT row, h, label, CASE WHEN part < 0 THEN part ELSE (place >= ${learned})::INTEGER END AS part,
      part >= 0 AND place < ${learned} AND place >= ${learned * (1 - VALIDATION_SHARE)} AS inner_test FROM ranked`;
}

async function refuseTimeless(database: Database, column: string): Promise<void> {
  const [{ missing, row } = { missing: 0, row: 0 }] = await database.rows<{ missing: number; row: number | null }>(
    "SELECT count(*)::DOUBLE AS missing, min(row)::DOUBLE + 1 AS row FROM units WHERE moment IS NULL AND part >= 0",
  );
  if (missing > 0) {
    throw invalid(
      "options.time_column",
      `"${column}" has no time that can be read in ${count(missing)} rows, the first of them row ${row}; fill them in, or split by rows`,
    );
  }
}

/**
 * A class with no training row could not be learned: its rows are all learned from then, with those of the same ids, and
 * none is tested. With folds each fold is tested once, and the others learn from it.
 */
async function moveRareClasses(database: Database, hasFolds: boolean): Promise<void> {
  const lacking = (where: string): string =>
    `SELECT h FROM parts WHERE part >= 0 AND label NOT IN (SELECT label FROM parts WHERE part >= 0 AND ${where})`;
  if (!hasFolds) await database.execute(`UPDATE parts SET part = ${TRAIN} WHERE part >= 0 AND h IN (${lacking(`part = ${TRAIN}`)})`);
  await database.execute(`UPDATE parts SET inner_test = false WHERE h IN (${lacking(`part = ${TRAIN} AND NOT inner_test`)})`);
}
