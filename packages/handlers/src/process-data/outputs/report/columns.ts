/** What was done to each column, as a table. */
import { keptFeatures, type Recipe, type RecipeInput } from "../../preprocess/recipe.ts";
import type { Dropped } from "../../preprocess/columns.ts";
import { figure } from "./drawing.ts";
import type { Table } from "./sections.ts";

const MOST_ROWS = 200;

export function columnTable(recipe: Recipe, dropped: readonly Dropped[]): Table {
  const features = new Map<string, number>();
  for (const { sources } of keptFeatures(recipe)) for (const source of sources) features.set(source, (features.get(source) ?? 0) + 1);
  const used = recipe.inputs.map((input) => [input.column, input.kind, treatment(input), featuresOf(features.get(input.column) ?? 0)]);
  const rows = [...used, ...dropped.map(({ column, reason }) => [column, "left out", reason, "none"])];
  return {
    id: "columns",
    title: "What was done to each column",
    head: ["column", "read as", "treatment", "features"],
    rows: rows.slice(0, MOST_ROWS),
    note: rows.length > MOST_ROWS ? `The first ${MOST_ROWS} of ${rows.length} columns; the model card has all.` : undefined,
  };
}

const featuresOf = (count: number): string => (count === 0 ? "none was kept" : String(count));

function treatment(input: RecipeInput): string {
  if (input.kind === "text") {
    const missing = input.fill === undefined ? "missing is a category of its own" : `missing becomes "${input.fill}"`;
    return `${input.categories.length.toLocaleString("en-US")} categories, ${missing}`;
  }
  const missing = input.kind === "date" ? new Date(input.fill * 1_000).toISOString().slice(0, 10) : figure(input.fill);
  const clipped = input.low === undefined || input.high === undefined ? "" : `; limited to ${figure(input.low)} to ${figure(input.high)}`;
  return `missing becomes ${missing}${clipped}`;
}
