/** The metrics of held-out rows, as the result prints them. With folds: the mean of the folds' values and their spread. */
import {
  type Calibration,
  classificationScores,
  columnOf,
  confidenceError,
  confusionMatrix,
  logLoss,
  mostProbable,
  regressionScores,
  rocAuc,
  rocAucOneVsRest,
} from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import type { HeldOut } from "../learning/learn-supervised.ts";
import type { Fittings } from "../learning/saved-model.ts";
import type { Target } from "../preprocess/target.ts";

export interface Trust {
  readonly fittings: Fittings;
  readonly calibration?: Calibration | undefined;
}

type Scores = Readonly<Record<string, number>>;
/** Larger matrices are for machines: they are in the model card's file. */
const MAX_SHOWN_CLASSES = 30;

export function supervisedMetrics(target: Target, held: HeldOut, { fittings, calibration }: Trust): JsonObject {
  const known = withoutUnknown(held, target);
  if (known.y.length === 0) return { rows: 0 };
  const scores = known.fold ? overFolds(target, known as Required<HeldOut>) : scoresOf(target, known.y, known.predicted);
  const rest = target.kind === "class" ? classDetails(target, known, calibration) : intervalDetails(known, fittings);
  return finite({ rows: known.y.length, ...scores, ...rest });
}

/** Rows whose label no class of the model has, as new data may hold: no prediction of theirs could be right. */
function withoutUnknown({ rows, y, predicted, fold }: HeldOut, target: Target): HeldOut {
  const width = target.kind === "class" ? target.classes.length : 1;
  const known = Int32Array.from(y.keys()).filter((row) => Number.isFinite(y[row]));
  if (known.length === y.length) return { rows, y, predicted, ...(fold && { fold }) };
  return {
    rows: known.map((row) => rows[row] ?? 0),
    y: Float64Array.from(known, (row) => y[row]!),
    predicted: Float64Array.from(
      { length: known.length * width },
      (_, at) => predicted[known[Math.floor(at / width)]! * width + (at % width)]!,
    ),
    ...(fold && { fold: known.map((row) => fold[row]!) }),
  };
}

function scoresOf(target: Target, y: Float64Array, predicted: Float64Array): Scores {
  if (target.kind === "number") {
    const { mse, rmse, mae, r2, medianAbsoluteError, maxError } = regressionScores(y, predicted);
    return { mse, rmse, mae, r2, median_absolute_error: medianAbsoluteError, max_error: maxError };
  }
  const count = target.classes.length;
  const truth = Int32Array.from(y);
  const { accuracy, balancedAccuracy, matthewsCorrelation, macro } = classificationScores(
    confusionMatrix(truth, mostProbable(predicted, count), count),
  );
  return {
    accuracy,
    balanced_accuracy: balancedAccuracy,
    precision_macro: macro.precision,
    recall_macro: macro.recall,
    f1_macro: macro.f1,
    matthews_correlation: matthewsCorrelation,
    roc_auc: count === 2 ? rocAuc(truth, columnOf(predicted, 1, 2)) : rocAucOneVsRest(truth, predicted, count),
    log_loss: logLoss(truth, predicted, count),
  };
}

function overFolds(target: Target, { y, predicted, fold }: Required<HeldOut>): Scores & { readonly over_folds: JsonObject } {
  const width = target.kind === "class" ? target.classes.length : 1;
  const folds = [...new Set(fold)].map((one) => {
    const rows = Int32Array.from(fold.keys()).filter((row) => fold[row] === one);
    const part = Float64Array.from(
      { length: rows.length * width },
      (_, at) => predicted[rows[Math.floor(at / width)]! * width + (at % width)]!,
    );
    return scoresOf(
      target,
      Float64Array.from(rows, (row) => y[row]!),
      part,
    );
  });
  const names = Object.keys(folds[0]!);
  const mean = (name: string): number => folds.reduce((sum, scores) => sum + scores[name]!, 0) / folds.length;
  const spread = (name: string): number =>
    Math.sqrt(folds.reduce((sum, scores) => sum + (scores[name]! - mean(name)) ** 2, 0) / folds.length);
  const means = Object.fromEntries(names.map((name) => [name, mean(name)]));
  return { ...means, over_folds: Object.fromEntries(names.map((name) => [name, { mean: mean(name), std: spread(name) }])) } as never;
}

function classDetails(target: Target, { y, predicted }: HeldOut, calibration: Calibration | undefined): JsonObject {
  const { classes } = target;
  const truth = Int32Array.from(y);
  const codes = mostProbable(predicted, classes.length);
  const confusion = confusionMatrix(truth, codes, classes.length);
  const { perClass, weighted } = classificationScores(confusion);
  const shown = classes.length <= MAX_SHOWN_CLASSES;
  return {
    f1_weighted: weighted.f1,
    ...(shown && { confusion: { classes: [...classes], counts: confusion } }),
    ...(shown && { per_class: Object.fromEntries(perClass.map((scores, code) => [classes[code]!, { ...scores }])) }),
    calibration: {
      method: calibration?.method ?? "none",
      ...(calibration && { fitted_to_rows: calibration.rows, error_before: calibration.errorBefore }),
      error: confidenceError(truth, predicted, classes.length),
    },
  };
}

function intervalDetails({ y, predicted }: HeldOut, { halfWidth }: Fittings): JsonObject {
  if (halfWidth === undefined) return {};
  const inside = y.reduce((sum, value, row) => sum + (Math.abs(value - predicted[row]!) <= halfWidth ? 1 : 0), 0);
  return { interval: { half_width: halfWidth, share_inside: inside / y.length } };
}

/** JSON knows no NaN: what cannot be computed (the ROC-AUC of one class) is null. */
export function finite(value: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
