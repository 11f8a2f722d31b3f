/**
 * Why a row was flagged: the columns whose usual value would make it less unusual, most of all first, each with the row's
 * own value and what is usual. Told of the most unusual rows; a score has to be computed for each of their columns.
 */
import { INTEGER, VARCHAR } from "@duckdb/node-api";
import { type AnomalyModel, type Matrix, predictPaced } from "@streamer/models";
import type { Database } from "../../duckdb/database.ts";
import { identifier } from "../../duckdb/sql.ts";
import type { UsualValues } from "../learning/usual-values.ts";
import { loadMatrix } from "../preprocess/load-matrix.ts";
import { keptFeatures, type Binding, type Recipe } from "../preprocess/recipe.ts";

const MOST_ROWS = 1_000;
/** Scores computed in all: it bounds the time, whatever the table. */
const MOST_SCORES = 20_000;
const MOST_COLUMNS = 3;
/** A column that explains less of what is unusual is not told. */
const LEAST_SHARE = 0.1;
const LONGEST_VALUE = 60;

export interface ReasonTerms {
  readonly model: AnomalyModel;
  readonly threshold: number;
  readonly usual: UsualValues;
  readonly recipe: Recipe;
  readonly binding: Binding;
  readonly signal: AbortSignal;
}

/** Fills the column `reasons` of `scores`; returns how many rows have some. */
export async function explainAnomalies(database: Database, terms: ReasonTerms): Promise<number> {
  await database.execute("ALTER TABLE scores ADD COLUMN reasons VARCHAR");
  const groups = placesByColumn(terms.recipe);
  const most = Math.min(MOST_ROWS, Math.max(1, Math.floor(MOST_SCORES / Math.max(1, groups.length))));
  const found = await database.rows<{ row: number }>(
    `SELECT row::DOUBLE AS row FROM scores WHERE score >= ${terms.threshold} ORDER BY score DESC, row LIMIT ${most}`,
  );
  if (found.length === 0) return 0;
  const where = `row IN (${found.map(({ row }) => row).join(", ")})`;
  const { x, rows } = await loadMatrix(database, { recipe: terms.recipe, binding: terms.binding, target: undefined, where });
  const drops = await dropsOf(x, groups, terms);
  const written = await valuesOf(database, { columns: groups.map(([column]) => column), rows, where });
  const reasons = Array.from(rows, (_, at) => reasonOf(at, { groups, drops, written, usual: terms.usual }));
  await database.execute("CREATE OR REPLACE TEMP TABLE reasons (row INTEGER, reasons VARCHAR)");
  await database.append(
    "reasons",
    [INTEGER, VARCHAR],
    (async function* () {
      yield [Array.from(rows), reasons];
    })(),
  );
  await database.execute("UPDATE scores SET reasons = reasons.reasons FROM reasons WHERE reasons.row = scores.row");
  return rows.length;
}

type Groups = readonly (readonly [string, readonly number[]])[];

function placesByColumn(recipe: Recipe): Groups {
  const places = new Map<string, number[]>();
  for (const [place, { sources }] of keptFeatures(recipe).entries()) {
    for (const source of sources) places.set(source, [...(places.get(source) ?? []), place]);
  }
  return [...places];
}

/** How much each row's score falls with a column at its usual value; column after column. */
async function dropsOf(x: Matrix, groups: Groups, { model, usual, signal }: ReasonTerms): Promise<readonly Float64Array[]> {
  const score = (of: Matrix): Promise<Float64Array> => predictPaced(of, (window) => model.score(window), { signal });
  const before = await score(x);
  const drops: Float64Array[] = [];
  for (const [, places] of groups) {
    const columns = [...x.columns];
    for (const place of places) columns[place] = new Float64Array(x.rowCount).fill(usual.features[place]!);
    const after = await score({ ...x, columns });
    drops.push(before.map((value, row) => Math.max(0, value - after[row]!)));
  }
  return drops;
}

/** The cells as the data has them, column after column, in the order of `rows`. */
async function valuesOf(
  database: Database,
  { columns, rows, where }: { readonly columns: readonly string[]; readonly rows: Int32Array; readonly where: string },
): Promise<readonly (readonly string[])[]> {
  const cells = columns.map(
    (column, index) => `left(regexp_replace(raw.${identifier(column)}::VARCHAR, ' 00:00:00$', ''), ${LONGEST_VALUE}) AS v${index}`,
  );
  const found = await database.rows<Record<string, string | number | null>>(
    `SELECT clean.row::DOUBLE AS row, ${cells.join(", ")} FROM clean JOIN raw ON raw.rowid = clean.row WHERE clean.${where}`,
  );
  const byRow = new Map(found.map((one) => [one["row"] as number, one]));
  return columns.map((_, index) => Array.from(rows, (row) => String(byRow.get(row)?.[`v${index}`] ?? "no value")));
}

interface Explained {
  readonly groups: Groups;
  readonly drops: readonly Float64Array[];
  readonly written: readonly (readonly string[])[];
  readonly usual: UsualValues;
}

function reasonOf(at: number, { groups, drops, written, usual }: Explained): string | null {
  const total = drops.reduce((sum, one) => sum + one[at]!, 0);
  const told = groups
    .map(([column], index) => ({ column, drop: drops[index]![at]!, value: written[index]![at]! }))
    .filter(({ drop }) => drop > 0 && drop >= LEAST_SHARE * total)
    .toSorted((a, b) => b.drop - a.drop)
    .slice(0, MOST_COLUMNS)
    .map(({ column, value }) => {
      const usually = usual.columns[column];
      // A value that is usual by itself is unusual beside the row's others.
      return usually === undefined || usually === value ? `${column}: ${value}` : `${column}: ${value} (usually ${usually})`;
    });
  return told.length > 0 ? told.join("; ") : null;
}
