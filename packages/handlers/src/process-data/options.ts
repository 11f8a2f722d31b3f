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
  test_fraction: share(0.05, 0.5, 0.2, "share of the rows held out for the metrics; how they are chosen is split_by's affair"),
  split_by: choice(
    ["rows", "time"],
    "rows",
    "rows: by a seeded hash of the row's number or, where there are id_columns, of its ids; of each class the same share. time: the latest rows are the test part",
  ),
  time_column: z.string().min(1).max(200).optional().describe("column of dates or numbers that split_by time goes by"),
  folds: z
    .union([z.literal(0), whole(2, 20)], "must be 0 or a whole number from 2 to 20")
    .default(0)
    .describe("cross-validation with this many folds instead of one test part; 0 turns it off"),
  seed: whole(0, 4_294_967_295).default(42).describe("the same seed and data give the same result"),
  max_iterations: whole(1, 2_000).optional().describe("rounds of boosting (default 200), trees of a forest (100), steps of the others"),
  learning_rate: share(0.001, 1, 0.1, "step of boosting"),
  max_leaves: whole(2, 255).default(31).describe("leaves of one boosted tree"),
  l2: number(0, 1_000_000).default(1).describe("penalty of logistic (1 / C) and ridge"),
  early_stopping: z.boolean().default(true).describe("boosting stops when it no longer improves on held-out rows"),
  class_weights: choice(["none", "balanced"], "none", "balanced gives every class the same weight, however rare it is"),
  choose_by: choice(
    ["auto", "log_loss", "balanced_log_loss", "brier", "roc_auc", "pr_auc", "f1_macro", "balanced_accuracy", "rmse", "mae"],
    "auto",
    "what models are compared by on held-out rows; auto: log_loss, balanced_log_loss with balanced weights, pr_auc for a threshold by f1, recall or precision; rmse for numbers",
  ),
  decide_by: z
    .union([
      z.literal("auto"),
      z.strictObject({ measure: z.literal("f1") }),
      z.strictObject({ recall: number(0.01, 1) }),
      z.strictObject({ precision: number(0.01, 1) }),
      z.strictObject({ cost: z.strictObject({ false_positive: number(0, 1e12), false_negative: number(0, 1e12) }) }),
      z.strictObject({ threshold: number(0, 1) }),
    ])
    .default("auto")
    .describe(
      "from which probability on a row is of the positive class (two classes): the best F1, at least this recall or precision, the least cost, or a number of your own; chosen on held-out rows. auto: the most probable class, and with balanced weights the one that is most probable for its share",
    ),
  positive_class: z.string().min(1).max(1_000).optional().describe("of two classes the one that is looked for; the rarer one when absent"),
  clusters: z
    .union([z.literal("auto"), whole(2, 100)], 'must be "auto" or a whole number from 2 to 100')
    .default("auto")
    .describe("how many; auto takes the number from 2 to 10 with the best silhouette"),
  contamination: share(0.0001, 0.5, 0.05, "share of the training rows taken to be anomalous"),
  components: whole(1, 100).default(2).describe("principal components of a transformation, at most one for each feature"),
  max_training_cells: whole(1_000, 100_000_000)
    .default(20_000_000)
    .describe("most rows times features that a model learns from; of more, it takes a sample chosen by hash"),
};

const preparing = {
  duplicates: choice(
    ["keep", "drop"],
    "keep",
    "drop leaves rows that repeat another one in every column, the id_columns among them, out of learning and metrics; they are scored",
  ),
  missing_target: choice(
    ["refuse", "drop"],
    "refuse",
    "whether rows without a target are an error, or are left out of learning and metrics; they are scored",
  ),
  missing_numbers: choice(["median", "mean", "zero"], "median", "what replaces a missing number"),
  missing_categories: choice(["mode", "category"], "mode", "what replaces a missing text: the most common one, or a category of its own"),
  missing_indicators: z.boolean().default(true).describe("adds to each column with missing values a feature that says where they were"),
  outliers: choice(["keep", "clip"], "keep", "clip limits numbers to outlier_range"),
  outlier_range: share(1, 20, 3, "how many interquartile ranges beyond the quartiles count as usual"),
  scaling: choice(
    ["standard", "min_max", "robust", "none"],
    "standard",
    "mean and deviation, range, or median and quartiles of the training part",
  ),
  encoding: choice(["auto", "one_hot", "target", "ordinal"], "auto", "of texts: one_hot up to one_hot_limit, target or ordinal beyond"),
  one_hot_limit: whole(2, 500).default(50).describe("most categories of a column that each become a feature"),
  category_limit: whole(2, 10_000)
    .default(1_000)
    .describe("how many categories of a column are kept, the most common ones; others count as unknown"),
};

const selecting = {
  derived_features: z
    .array(z.enum(["squares", "products", "logs"]))
    .max(3)
    .default([])
    .describe("computed from the ten best numeric columns: squares, products of two, logarithms"),
  feature_selection: choice(
    ["none", "mutual_information", "importance"],
    "none",
    "keeps the max_features features that tell most about the target",
  ),
  max_features: whole(1, 1_000).default(50).describe("features kept by feature_selection"),
};

const answering = {
  confidence_threshold: share(0, 1, 0.5, "predictions below it are marked uncertain"),
  calibration: z
    .boolean()
    .default(true)
    .describe("fits confidences to held-out rows, so that 0.8 is right in 8 of 10 cases; what is decided does not follow from it"),
  interval_level: share(
    0.5,
    0.99,
    0.9,
    "share of true values that the interval of a regression should contain, for small and large predictions alike",
  ),
  unreadable_limit: share(
    0,
    1,
    0.5,
    "scoring is refused when more than this share of a column's values cannot be read as the model reads them; fewer are taken for missing, counted and warned of",
  ),
  unseen_limit: share(
    0,
    1,
    1,
    "scoring is refused when more than this share of a column's categories are none of the model's; fewer are warned of",
  ),
  preview_rows: whole(0, 100).default(10).describe("rows of the output repeated in the result"),
};

export const processOptions = z.strictObject({ ...modelling, ...preparing, ...selecting, ...answering });
export type ProcessOptions = z.output<typeof processOptions>;
