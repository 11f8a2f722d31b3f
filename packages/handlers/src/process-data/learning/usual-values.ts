/** What is usual in the rows an anomaly model learned from: what a flagged row is told apart by. */
import { type Matrix, sampleWithoutReplacement, seededRandom } from "@streamer/models";
import type { Database } from "../../duckdb/database.ts";
import type { InputColumn } from "../preprocess/columns.ts";
import type { Recipe } from "../preprocess/recipe.ts";

export interface UsualValues {
  /** One value a feature: its median. */
  readonly features: readonly number[];
  /** In the columns' own units: where nine of ten rows lie, or the most common text. */
  readonly columns: Readonly<Record<string, string>>;
}

/** Middle rows are known well enough from so many. */
const SAMPLED_ROWS = 20_000;
const BATCH = 25;

export async function usualValues(
  database: Database,
  x: Matrix,
  { recipe, inputs, where }: { readonly recipe: Recipe; readonly inputs: readonly InputColumn[]; readonly where: string },
): Promise<UsualValues> {
  const rows = sampleWithoutReplacement(seededRandom(x.rowCount), Math.min(x.rowCount, SAMPLED_ROWS), x.rowCount);
  const features = x.columns.map((values) => Float64Array.from(rows, (row) => values[row]!).sort()[rows.length >> 1]!);
  return { features, columns: { ...commonTexts(recipe), ...(await ranges(database, inputs, where)) } };
}

function commonTexts({ inputs }: Recipe): Record<string, string> {
  return Object.fromEntries(
    inputs.flatMap((input) => (input.kind === "text" && input.categories[0] !== undefined ? [[input.column, input.categories[0]]] : [])),
  );
}

async function ranges(database: Database, inputs: readonly InputColumn[], where: string): Promise<Record<string, string>> {
  const spoken: Record<string, string> = {};
  const measured = inputs.filter(({ kind }) => kind !== "text");
  for (let at = 0; at < measured.length; at += BATCH) {
    const batch = measured.slice(at, at + BATCH);
    const parts = batch.map(({ cell, kind }, index) => {
      const quantile = (share: number): string => `quantile_disc(${cell}, ${share})`;
      const shown = (value: string): string =>
        kind === "date" ? `strftime(make_timestamp((${value} * 1000000)::BIGINT), '%Y-%m-%d')` : `printf('%.4g', ${value}::DOUBLE)`;
      return `${shown(quantile(0.05))} || ' to ' || ${shown(quantile(0.95))} AS r${index}`;
    });
    const [row = {}] = await database.rows<Record<string, string | null>>(`SELECT ${parts.join(", ")} FROM clean WHERE ${where}`);
    for (const [index, { name }] of batch.entries()) {
      const range = row[`r${index}`];
      if (range != null) spoken[name] = range;
    }
  }
  return spoken;
}
