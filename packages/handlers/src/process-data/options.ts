/** Every option of process_data: its range, its default and what it does. docs/handlers/process-data.md is checked against it. */
import * as z from "zod";

const CLASSIFIERS = ["baseline", "logistic", "boosting", "forest"] as const;
const REGRESSORS = ["baseline", "ridge", "boosting", "forest"] as const;
const CLUSTERINGS = ["baseline", "kmeans"] as const;
const ANOMALY_MODELS = ["baseline", "isolation_forest", "local_outlier_factor"] as const;
const TRANSFORMATIONS = ["pca", "none"] as const;

/** The models each pipeline knows, beside "auto", the simplest first. A baseline is what a model has to beat. */
export const MODELS = {
  classification: CLASSIFIERS,
  regression: REGRESSORS,
  clustering: CLUSTERINGS,
  anomaly: ANOMALY_MODELS,
  transformation: TRANSFORMATIONS,
} as const;
const NAMES = ["auto", ...new Set(Object.values(MODELS).flat())] as const;
export type ModelName = Exclude<(typeof NAMES)[number], "auto">;

const whole = (min: number, max: number) => z.int().min(min).max(max);
const number = (min: number, max: number) => z.number().min(min).max(max);
const share = (min: number, max: number, initial: number, about: string) => number(min, max).default(initial).describe(about);
const choice = <const T extends readonly string[]>(values: T, initial: T[number], about: string) =>
  z
    .enum(values)
    .default(initial as never)
    .describe(about);

const modelling = {
  model: z.enum(NAMES).default("auto").describe("which model; auto tries a simple and a strong one on held-out rows and says why it chose"),
  model_id: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe("id of an earlier training request of the same user: its model scores this data, and nothing is learned"),
  test_fraction: share(0.05, 0.5, 0.2, "part of the rows held out for the metrics, chosen by a hash of their ids"),
  folds: z
    .union([z.literal(0), whole(2, 20)], "must be 0 or a whole number from 2 to 20")
    .default(0)
    .describe("cross-validation with so many parts instead of one test part; 0 is off"),
  seed: whole(0, 4_294_967_295).default(42).describe("the same seed and data give the same result"),
  max_iterations: whole(1, 2_000).optional().describe("rounds of boosting (default 200), trees of a forest (100), steps of the others"),
  learning_rate: share(0.001, 1, 0.1, "step of boosting"),
  max_leaves: whole(2, 255).default(31).describe("leaves of one boosted tree"),
  l2: number(0, 1_000_000).default(1).describe("penalty of logistic (1 / C) and ridge"),
  early_stopping: z.boolean().default(true).describe("boosting stops when held-out rows no longer gain"),
  class_weights: choice(["none", "balanced"], "none", "balanced makes every class weigh the same, however rare"),
  clusters: z
    .union([z.literal("auto"), whole(2, 100)], 'must be "auto" or a whole number from 2 to 100')
    .default("auto")
    .describe("how many; auto takes the best silhouette of 2 to 10"),
  contamination: share(0.0001, 0.5, 0.05, "part of the training rows that is taken to be anomalous"),
  components: whole(1, 100).default(2).describe("principal components of a transformation, at most as many as features"),
  max_training_cells: whole(1_000, 100_000_000)
    .default(20_000_000)
    .describe("rows times features a model learns from at most; beyond it, a sample chosen by hash"),
};

const preparing = {
  duplicates: choice(["auto", "drop", "keep"], "auto", "rows that repeat another in every column; auto drops them where there is a target"),
  missing_target: choice(["refuse", "drop"], "refuse", "rows without a target: an error, or left out"),
  missing_numbers: choice(["median", "mean", "zero"], "median", "what stands for a missing number"),
  missing_categories: choice(["mode", "category"], "mode", "what stands for a missing text: the commonest, or a category of its own"),
  missing_indicators: z.boolean().default(true).describe("a feature beside each column with gaps says where they were"),
  outliers: choice(["keep", "clip"], "keep", "clip pulls numbers to outlier_range"),
  outlier_range: share(1, 20, 3, "interquartile ranges beyond the quartiles that count as usual"),
  scaling: choice(
    ["standard", "min_max", "robust", "none"],
    "standard",
    "mean and deviation, range, or median and quartiles of the training part",
  ),
  encoding: choice(["auto", "one_hot", "target", "ordinal"], "auto", "of texts: one_hot up to one_hot_limit, target or ordinal beyond"),
  one_hot_limit: whole(2, 500).default(50).describe("most categories of a column that become features of their own"),
  category_limit: whole(2, 10_000).default(1_000).describe("most categories kept of a column, the commonest; others count as unknown"),
};

const selecting = {
  derived_features: z
    .array(z.enum(["squares", "products", "logs"]))
    .max(3)
    .default([])
    .describe("made of the ten best numeric columns: their squares, products of two, logarithms"),
  feature_selection: choice(["none", "mutual_information", "importance"], "none", "keeps the max_features that tell most about the target"),
  max_features: whole(1, 1_000).default(50).describe("features kept by feature_selection"),
};

const answering = {
  confidence_threshold: share(0, 1, 0.5, "predictions below it are marked uncertain"),
  calibration: z.boolean().default(true).describe("confidences are fitted to held-out rows, so that 0.8 is right in 8 of 10"),
  interval_level: share(0.5, 0.99, 0.9, "part of true values that the interval of a regression holds"),
  preview_rows: whole(0, 100).default(10).describe("rows of the output repeated in the result"),
};

export const processOptions = z.strictObject({ ...modelling, ...preparing, ...selecting, ...answering });
export type ProcessOptions = z.output<typeof processOptions>;
