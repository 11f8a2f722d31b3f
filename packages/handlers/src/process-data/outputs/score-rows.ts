/**
 * Rows through the model into the table `scores`, batch by batch: neither features nor predictions of a million rows are
 * ever in memory at once. A batch is a range of rows of `clean`, which DuckDB finds without reading the others.
 */
import { INTEGER } from "@duckdb/node-api";
import { CHUNK_ROWS, type Database } from "../../duckdb/database.ts";
import { loadMatrix } from "../preprocess/load-matrix.ts";
import { keptFeatures, type Binding, type Recipe } from "../preprocess/recipe.ts";
import type { Target } from "../preprocess/target.ts";
import { count, type Tell } from "../progress.ts";
import type { ScoreColumn, Scorer } from "./scorers.ts";

export interface ScoringTerms {
  readonly recipe: Recipe;
  readonly binding: Binding;
  readonly target: Target | undefined;
  readonly scorer: Scorer;
  /** Which rows of `clean`. */
  readonly where: string;
  readonly signal: AbortSignal;
  readonly tell: Tell;
  /** Each batch's labels and predictions: what metrics are computed from. */
  readonly onBatch?: (y: Float64Array, predicted: Float64Array) => void;
}

/** Numbers of one batch: 16 MB. */
const BATCH_CELLS = 2_000_000;
const MAX_BATCH_ROWS = 32_768;

export async function createScoreTable(database: Database, columns: readonly ScoreColumn[]): Promise<void> {
  const types = columns.map(({ name, type }) => `, ${name} ${type.toString()}`).join("");
  await database.execute(`CREATE OR REPLACE TEMP TABLE scores (row INTEGER${types})`);
}

export async function scoreRows(database: Database, terms: ScoringTerms): Promise<number> {
  const { recipe, binding, target, scorer, where, signal, tell, onBatch } = terms;
  const [bounds] = await database.rows<{ last: number | null }>("SELECT max(rowid)::DOUBLE AS last FROM clean");
  const rowCount = (bounds?.last ?? -1) + 1;
  const step = Math.max(CHUNK_ROWS, Math.min(MAX_BATCH_ROWS, Math.floor(BATCH_CELLS / keptFeatures(recipe).length)));
  let scored = 0;
  for (let from = 0; from < rowCount; from += step) {
    signal.throwIfAborted();
    const batch = await loadMatrix(database, {
      recipe,
      binding,
      target,
      where: `rowid >= ${from} AND rowid < ${from + step} AND ${where}`,
    });
    if (batch.x.rowCount > 0) {
      const predicted = await scorer.predict(batch.x, signal);
      await appendScores(database, scorer.columns, [batch.rows, ...scorer.columnsOf(predicted, batch.x)]);
      onBatch?.(batch.y, predicted);
    }
    scored += batch.x.rowCount;
    tell(Math.min(1, (from + step) / rowCount), `${count(scored)} rows scored`, { rows_scored: scored });
  }
  return scored;
}

/** Columns of equal length: the rows' numbers, then what is said of them. */
export async function appendScores(
  database: Database,
  columns: readonly ScoreColumn[],
  values: readonly ArrayLike<number>[],
): Promise<void> {
  const types = [INTEGER, ...columns.map(({ type }) => type)];
  const rowCount = values[0]!.length;
  const chunks = async function* (): AsyncGenerator<readonly number[][]> {
    for (let from = 0; from < rowCount; from += CHUNK_ROWS) {
      yield values.map((column) => Array.from({ length: Math.min(CHUNK_ROWS, rowCount - from) }, (_, row) => column[from + row]!));
    }
  };
  await database.append("scores", types, chunks());
}
