/** From a model's name and the options to a fitted classifier or regressor, and what a fitted one says of rows. */
import {
  type Classifier,
  fitBoostingClassifier,
  fitBoostingRegressor,
  fitClassShares,
  type FitContext,
  fitForestClassifier,
  fitForestRegressor,
  fitLogistic,
  fitMean,
  fitRidge,
  type Matrix,
  predictPaced,
  type Regressor,
} from "@streamer/models";
import type { ModelName, ProcessOptions } from "../options.ts";
import type { Target } from "../preprocess/target.ts";
import type { Rows } from "../preprocess/load-matrix.ts";

export type Supervised = Classifier | Regressor;

const BOOSTING_ROUNDS = 200;
const FOREST_TREES = 100;
/** Rounds without a gain on the rows held back before boosting stops. */
const PATIENCE = 20;
const HELD_BACK = 0.1;
/** Fewer rows hold back too few to tell a gain from chance. */
const EARLY_STOPPING_ROWS = 500;
/** From here on forests have leaves of several rows: a pure one has a node for nearly every row of every tree. */
const LARGE_FOREST_ROWS = 100_000;

export interface SupervisedTerms {
  readonly name: ModelName;
  readonly options: ProcessOptions;
  readonly target: Target;
  readonly context: FitContext;
}

export async function fitSupervised({ x, y }: Rows, { name, options, target, context }: SupervisedTerms): Promise<Supervised> {
  const { max_iterations, learning_rate, max_leaves, l2, early_stopping, class_weights } = options;
  const boosting = {
    rounds: max_iterations ?? BOOSTING_ROUNDS,
    learningRate: learning_rate,
    maxLeaves: max_leaves,
    ...(early_stopping && x.rowCount >= EARLY_STOPPING_ROWS && { earlyStopping: { validationShare: HELD_BACK, patience: PATIENCE } }),
  };
  const forest = { trees: max_iterations ?? FOREST_TREES, ...(x.rowCount >= LARGE_FOREST_ROWS && { minLeafRows: 5 }) };
  if (target.kind === "number") {
    if (name === "baseline") return fitMean(y);
    if (name === "boosting") return fitBoostingRegressor(x, y, boosting, context);
    return name === "forest" ? fitForestRegressor(x, y, forest, context) : fitRidge(x, y, { alpha: l2 }, context);
  }
  const labels = { codes: Int32Array.from(y), classCount: target.classes.length };
  const weights = class_weights === "balanced" ? { classWeights: "balanced" as const } : {};
  if (name === "baseline") return fitClassShares(labels, weights);
  if (name === "boosting") return fitBoostingClassifier(x, labels, { ...boosting, ...weights }, context);
  if (name === "forest") return fitForestClassifier(x, labels, { ...forest, ...weights }, context);
  // No penalty at all has no optimum where the classes can be told apart: the smallest stands for it.
  const c = 1 / Math.max(l2, 1e-6);
  return fitLogistic(x, labels, { c, ...(max_iterations && { maxIterations: max_iterations }), ...weights }, context);
}

/** Probabilities, row after row, or numbers. */
export function predict(
  model: Supervised,
  x: Matrix,
  terms: { readonly signal: AbortSignal; readonly tell?: (done: number) => void },
): Promise<Float64Array> {
  if (model.kind === "regressor") return predictPaced(x, (window) => model.predict(window), terms);
  return predictPaced(x, (window) => model.predictProbabilities(window), { ...terms, width: model.classCount });
}
