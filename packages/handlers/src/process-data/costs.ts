/**
 * What the stages of a run and the fits within them should take, in ms on two cores: by these the bar is divided, and a
 * request is told how long it may take before any run was recorded. Measured by `npm run bench -- progress-pace`; what
 * counts is how they compare, within a factor of two.
 */
import type { ProcessInput, OutputFormat, Pipeline } from "./input.ts";
import { candidateModels } from "./learning/candidates.ts";
import type { ModelName, ProcessOptions } from "./options.ts";
import type { Costs } from "../stages.ts";

export type Stage = "ingest" | "preprocess" | "features" | "model" | "postprocess";

/** A table as far as it is known. */
export interface TableSize {
  readonly bytes: number;
  readonly rows: number;
  /** Columns before, features after they are prepared. */
  readonly columns: number;
}

/** What a CSV of people has: a guess for a file that nobody has looked into. */
const BYTES_A_CELL = 6;
const COLUMNS_GUESSED = 10;

export const guessedSize = (bytes: number): TableSize => ({
  bytes,
  rows: Math.ceil(bytes / BYTES_A_CELL / COLUMNS_GUESSED),
  columns: COLUMNS_GUESSED,
});

const BOOSTING_ROUNDS = 200;
const FOREST_TREES = 100;

/** Of one fit on so many rows, each with so many features. */
export function fitCost(name: ModelName, { rows, columns }: Pick<TableSize, "rows" | "columns">, options: ProcessOptions): number {
  const kiloCells = (rows * columns) / 1_000;
  const iterations = (usual: number): number => (options.max_iterations ?? usual) / usual;
  switch (name) {
    case "baseline":
    case "none":
      return 1;
    case "logistic":
      return 50 + 0.6 * kiloCells;
    case "ridge":
      return 20 + 0.05 * kiloCells;
    case "boosting":
      return 100 + iterations(BOOSTING_ROUNDS) * (600 + 2 * kiloCells);
    case "forest":
      return 100 + iterations(FOREST_TREES) * 0.0045 * rows * Math.log2(rows + 2);
    case "kmeans":
      return 50 + 3 * kiloCells;
    case "isolation_forest":
      return 200 + 0.05 * kiloCells;
    case "local_outlier_factor":
      return 100 + 0.02 * rows * Math.log2(rows + 2);
    case "pca":
      return 20 + 0.1 * kiloCells;
  }
}

/** Of scoring rows by a model, in ms a row. */
function scoreCost(name: ModelName, options: ProcessOptions): number {
  if (name === "forest") return (0.08 * (options.max_iterations ?? FOREST_TREES)) / FOREST_TREES;
  return name === "isolation_forest" || name === "local_outlier_factor" ? 0.03 : 0.012;
}

const WRITE_COST: Readonly<Record<OutputFormat, number>> = { json: 0.008, csv: 0.004, parquet: 0.002 };

const isSupervised = (pipeline: Pipeline): boolean => pipeline === "classification" || pipeline === "regression";

/** Of all stages. Of scoring, by the dearest of the candidates: which it will be is not known before. */
export function stageCosts(input: ProcessInput, { bytes, rows, columns }: TableSize): Costs<Stage> {
  const { options, output } = input;
  const kiloCells = (rows * columns) / 1_000;
  const isScoring = options.model_id !== undefined;
  const dearest = candidateModels(input, rows * columns).reduce((lead, name) => Math.max(lead, scoreCost(name, options)), 0);
  return {
    ingest: 400 + bytes / 10_000,
    preprocess: 250 + 0.8 * kiloCells,
    features: isScoring ? 0 : 30 + (options.derived_features.length + (options.feature_selection === "none" ? 0 : 2)) * kiloCells,
    model: isScoring ? 0 : modelCost(input, { rows, columns }),
    postprocess: 200 + rows * ((isScoring ? 0.03 : dearest) + WRITE_COST[output.format]),
  };
}

function modelCost(input: ProcessInput, { rows, columns }: Pick<TableSize, "rows" | "columns">): number {
  const { options, pipeline } = input;
  if (isSupervised(pipeline)) {
    const { choice, final } = supervisedCost(input, { rows, columns });
    return choice + final;
  }
  const size = { rows: Math.min(rows, options.max_training_cells / Math.max(1, columns)), columns };
  return candidateModels(input, rows * columns).reduce((sum, name) => sum + fitCost(name, size, options), 0);
}

/** Of comparing the candidates, and of fitting the chosen one once more; which that is is not known before. */
export function supervisedCost(
  input: ProcessInput,
  { rows, columns }: Pick<TableSize, "rows" | "columns">,
): { readonly choice: number; readonly final: number } {
  const { folds, test_fraction: held, max_training_cells: most } = input.options;
  const candidates = candidateModels(input, rows * columns);
  const fits = (share: number): number => {
    const size = { rows: Math.min(rows, most / Math.max(1, columns)) * share, columns };
    return candidates.reduce((sum, name) => sum + fitCost(name, size, input.options), 0);
  };
  if (folds > 0) return { choice: folds * fits(1 - 1 / folds), final: fits(1) / candidates.length };
  return { choice: fits((1 - held) * CHOICE_SHARE), final: fits(1 - held) / candidates.length };
}

/** Of the training part: what candidates learn from; the rest is what they are compared on. */
const CHOICE_SHARE = 0.8;
