/**
 * What the stages of a run and the fits within them should take, in ms on two cores: by these the bar is divided, and a
 * request is told how long it may take before any run was recorded. Measured by `npm run bench -- progress-pace`; what
 * counts is how they compare, within a factor of two.
 */
import type { ProcessInput, OutputFormat, Pipeline } from "./input.ts";
import { candidateModels } from "./learning/candidates.ts";
import { MOST_PREDICTED, MOST_ROWS, REPEATS as PERMUTATIONS } from "./learning/permutation.ts";
import type { ModelName } from "./options.ts";
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

/** Where leaves have several rows (fit-supervised.ts) trees are smaller. */
const LARGE_FOREST_ROWS = 100_000;

/** Of one fit on so many rows, each with so many features. */
export function fitCost(
  name: ModelName,
  { rows, columns }: Pick<TableSize, "rows" | "columns">,
  { pipeline, options }: Pick<ProcessInput, "pipeline" | "options">,
): number {
  const kiloCells = (rows * columns) / 1_000;
  const iterations = (usual: number): number => (options.max_iterations ?? usual) / usual;
  switch (name) {
    case "baseline":
    case "none":
      return 1;
    case "logistic":
      return 40 + 0.55 * kiloCells;
    case "ridge":
      return 10 + 0.015 * kiloCells;
    case "boosting":
      return 100 + iterations(BOOSTING_ROUNDS) * (150 + 1.9 * kiloCells);
    case "forest": {
      // Of a class a split looks at some of the features, of a number at all of them (forest.ts).
      const tried = pipeline === "regression" ? columns : Math.max(1, Math.floor(Math.sqrt(columns)));
      const size = rows >= LARGE_FOREST_ROWS ? 0.65 : 1;
      return 50 + iterations(FOREST_TREES) * 0.0011 * size * tried * rows * Math.log2(rows + 2);
    }
    case "kmeans":
      return 50 + 3 * kiloCells;
    case "isolation_forest":
      return 40;
    case "local_outlier_factor":
      return 100 + 0.0055 * rows * Math.log2(rows + 2);
    case "pca":
      return 15 + 0.05 * kiloCells;
  }
}

/** Of what a model answers, in ms a row; reading and storing it is beside that. */
export function answerCost(name: ModelName, { pipeline, options }: Pick<ProcessInput, "pipeline" | "options">): number {
  if (name === "forest") return ((pipeline === "regression" ? 0.036 : 0.018) * (options.max_iterations ?? FOREST_TREES)) / FOREST_TREES;
  return ANSWER_COST[name] ?? 0.0005;
}

const ANSWER_COST: Readonly<Partial<Record<ModelName, number>>> = { boosting: 0.01, isolation_forest: 0.009, local_outlier_factor: 0.11 };

/** Rows through a model into the table of scores, in ms a row. */
const ROW_COST = 0.006;

const WRITE_COST: Readonly<Record<OutputFormat, number>> = { json: 0.003, csv: 0.002, parquet: 0.001 };

const isSupervised = (pipeline: Pipeline): boolean => pipeline === "classification" || pipeline === "regression";

/** Of all stages. Of scoring, by the dearest of the candidates: which it will be is not known before. */
export function stageCosts(input: ProcessInput, { bytes, rows, columns }: TableSize): Costs<Stage> {
  const { options, output } = input;
  const kiloCells = (rows * columns) / 1_000;
  const isScoring = options.model_id !== undefined;
  const dearest = candidateModels(input, rows * columns).reduce((lead, name) => Math.max(lead, answerCost(name, input)), 0);
  return {
    ingest: 350 + bytes / 14_000,
    preprocess: 250 + 0.6 * kiloCells,
    features: isScoring ? 0 : 30 + (options.derived_features.length + (options.feature_selection === "none" ? 0 : 2)) * kiloCells,
    model: isScoring ? 0 : modelCost(input, { rows, columns }),
    postprocess: 200 + rows * (ROW_COST + (isScoring ? 0.01 : dearest) + WRITE_COST[output.format]),
  };
}

function modelCost(input: ProcessInput, { rows, columns }: Pick<TableSize, "rows" | "columns">): number {
  const { options, pipeline } = input;
  if (isSupervised(pipeline)) {
    const { choice, final, worth } = supervisedCost(input, { rows, columns });
    return choice + final + worth;
  }
  const size = { rows: Math.min(rows, options.max_training_cells / Math.max(1, columns)), columns };
  const names = candidateModels(input, rows * columns);
  // A number of clusters that is found is looked for in a sample; anomalies are scored to know what is usual.
  const looking = pipeline === "clustering" && options.clusters === "auto" ? CLUSTER_TRIALS_COST : 0;
  const scoring = pipeline === "anomaly" ? names.reduce((sum, name) => sum + size.rows * answerCost(name, input), 0) : 0;
  return names.reduce((sum, name) => sum + fitCost(name, size, input), looking + scoring);
}

/** Of trying two to ten clusters. */
export const CLUSTER_TRIALS_COST = 1_500;

/**
 * Of comparing the candidates, of fitting the chosen one once more, and of seeing what columns are worth to it. Which it
 * will be is not known before: one of the two dearest, as a rule.
 */
export function supervisedCost(
  input: ProcessInput,
  { rows, columns }: Pick<TableSize, "rows" | "columns">,
): { readonly choice: number; readonly final: number; readonly worth: number } {
  const { folds, test_fraction: held, max_training_cells: most } = input.options;
  const candidates = candidateModels(input, rows * columns);
  const fits = (share: number): readonly number[] => {
    const size = { rows: Math.min(rows, most / Math.max(1, columns)) * share, columns };
    return candidates.map((name) => fitCost(name, size, input));
  };
  const answers = candidates.map((name) => answerCost(name, input));
  const predicted = Math.min(MOST_PREDICTED, PERMUTATIONS * columns * Math.min(MOST_ROWS, rows * (folds > 0 ? 1 / folds : held)));
  const worth = predicted * ofTheDearest(answers);
  if (folds > 0) return { choice: folds * sum(fits(1 - 1 / folds)), final: ofTheDearest(fits(1)), worth };
  return { choice: sum(fits((1 - held) * CHOICE_SHARE)), final: ofTheDearest(fits(1 - held)), worth };
}

/** Of the training part: what candidates learn from; the rest is what they are compared on. */
const CHOICE_SHARE = 0.8;

const sum = (costs: readonly number[]): number => costs.reduce((total, cost) => total + cost, 0);

function ofTheDearest(costs: readonly number[]): number {
  const dearest = costs.toSorted((a, b) => b - a).slice(0, 2);
  return sum(dearest) / dearest.length;
}
