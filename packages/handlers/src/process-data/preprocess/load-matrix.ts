/** Rows of `clean` as the typed arrays models work on: DuckDB computes the features, and hands them over by vectors. */
import type { Matrix } from "@streamer/models";
import type { Database } from "../../duckdb/database.ts";
import { literal } from "../../duckdb/sql.ts";
import { featureSql, keptFeatures, type Binding, type Recipe } from "./recipe.ts";
import type { Target } from "./target.ts";

export interface Rows {
  readonly x: Matrix;
  /** Row of the source, from 0. */
  readonly rows: Int32Array;
  /** Code of the class or number to predict; NaN where there is none. Empty without a target. */
  readonly y: Float64Array;
}

export interface MatrixTerms {
  readonly recipe: Recipe;
  readonly binding: Binding;
  readonly target: Target | undefined;
  readonly where: string;
  readonly tell?: ((done: number) => void) | undefined;
}

export async function loadMatrix(database: Database, { recipe, binding, target, where, tell }: MatrixTerms): Promise<Rows> {
  const [{ rows: rowCount } = { rows: 0 }] = await database.rows<{ rows: number }>(
    `SELECT count(*)::DOUBLE AS rows FROM clean WHERE ${where}`,
  );
  const features = keptFeatures(recipe);
  const places = recipe.kept ?? features.map((_, place) => place);
  const sql = places.map((place) => featureSql(recipe, place, binding));
  const columns = features.map(() => new Float64Array(rowCount));
  const rows = new Int32Array(rowCount);
  const y = new Float64Array(target ? rowCount : 0);
  let at = 0;
  const select = `SELECT row, ${labelSql(target)}${sql.map((one) => `, ${one}`).join("")} FROM clean WHERE ${where}`;
  for await (const chunk of database.chunks(select)) {
    copy(chunk.getColumnVector(0), rows, { at, rowCount: chunk.rowCount });
    if (target) copy(chunk.getColumnVector(1), y, { at, rowCount: chunk.rowCount });
    for (let index = 0; index < columns.length; index += 1)
      copy(chunk.getColumnVector(index + 2), columns[index]!, { at, rowCount: chunk.rowCount });
    at += chunk.rowCount;
    tell?.(at / rowCount);
  }
  return { x: { rowCount, names: features.map(({ name }) => name), columns }, rows, y };
}

function copy(
  from: { getItem(index: number): unknown },
  to: Float64Array | Int32Array,
  { at, rowCount }: { readonly at: number; readonly rowCount: number },
): void {
  for (let row = 0; row < rowCount; row += 1) to[at + row] = (from.getItem(row) as number | null) ?? Number.NaN;
}

/** The place of a class among all; a class that was never learned has none. */
function labelSql(target: Target | undefined): string {
  if (!target) return "NULL::DOUBLE";
  if (target.kind === "number") return "label::DOUBLE";
  return `(list_position([${target.classes.map(literal).join(", ")}], label) - 1)::DOUBLE`;
}
