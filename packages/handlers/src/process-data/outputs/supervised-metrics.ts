/** The metrics of held-out rows, as the result prints them. With folds: the mean of the folds' values and their spread. */
import {
  type Calibration,
  classificationScores,
  averagePrecision,
  averagePrecisionOneVsRest,
  brierLoss,
  columnOf,
  confidenceError,
  confusionMatrix,
  decide,
  halfWidthAt,
  logLoss,
  regressionScores,
  rocAuc,
  rocAucOneVsRest,
} from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import type { HeldOut } from "../learning/trust.ts";
import { intervalMetrics } from "./interval-metrics.ts";
import type { Fittings } from "../learning/saved-model.ts";
import type { Target } from "../preprocess/target.ts";

export interface Trust {
  readonly fittings: Fittings;
  readonly calibration?: Calibration | undefined;
  readonly chosen?: JsonObject | undefined;
}

type Scores = Readonly<Record<string, number>>;
/** Larger matrices are for machines: they are in the model card's file. */
const MAX_SHOWN_CLASSES = 30;

/** Rows that can be measured, with what was decided of them. */
export function measuredRows(target: Target, held: HeldOut, { fittings }: Trust): HeldOut {
  return answered(withoutUnknown(held, target), target, fittings);
}

export function supervisedMetrics(target: Target, known: HeldOut, trust: Trust): JsonObject {
  if (known.y.length === 0) return { rows: 0 };
  const positive = trust.fittings.positive ?? 1;
  const scores = known.fold ? overFolds(target, known, positive) : scoresOf(target, known, positive);
  const rest = target.kind === "class" ? classDetails(target, known, trust) : intervalMetrics(known);
  return finite({ rows: known.y.length, ...scores, ...rest });
}

/** Held-out rows with what was decided of them: as the folds did it, or as the model does. */
function answered(held: HeldOut, { kind, classes }: Target, { decision, intervals }: Fittings): HeldOut {
  if (kind === "class")
    return { ...held, codes: held.codes ?? decide(held.predicted, classes.length, decision ?? { by: "most_probable" }) };
  if (!intervals) return held;
  return { ...held, halfWidth: held.halfWidth ?? held.predicted.map((value) => halfWidthAt(intervals, value)) };
}

/** Rows whose label no class of the model has, as new data may hold: no prediction of theirs could be right. */
function withoutUnknown(held: HeldOut, target: Target): HeldOut {
  const known = Int32Array.from(held.y.keys()).filter((row) => Number.isFinite(held.y[row]));
  return known.length === held.y.length ? held : rowsOf(held, known, widthOf(target));
}

const widthOf = ({ kind, classes }: Target): number => (kind === "class" ? classes.length : 1);

function rowsOf({ rows, y, predicted, fold, codes, halfWidth }: HeldOut, wanted: Int32Array, width: number): HeldOut {
  return {
    rows: wanted.map((row) => rows[row] ?? 0),
    y: Float64Array.from(wanted, (row) => y[row]!),
    predicted: Float64Array.from(
      { length: wanted.length * width },
      (_, at) => predicted[wanted[Math.floor(at / width)]! * width + (at % width)]!,
    ),
    ...(fold && { fold: wanted.map((row) => fold[row]!) }),
    ...(codes && { codes: wanted.map((row) => codes[row]!) }),
    ...(halfWidth && { halfWidth: Float64Array.from(wanted, (row) => halfWidth[row]!) }),
  };
}

function scoresOf(target: Target, { y, predicted, codes }: HeldOut, positive: number): Scores {
  if (target.kind === "number") {
    const { mse, rmse, mae, r2, medianAbsoluteError, maxError } = regressionScores(y, predicted);
    return { mse, rmse, mae, r2, median_absolute_error: medianAbsoluteError, max_error: maxError };
  }
  const count = target.classes.length;
  const truth = Int32Array.from(y);
  const { accuracy, balancedAccuracy, matthewsCorrelation, macro } = classificationScores(confusionMatrix(truth, codes!, count));
  const isPositive = truth.map((code) => (code === positive ? 1 : 0));
  return {
    accuracy,
    balanced_accuracy: balancedAccuracy,
    precision_macro: macro.precision,
    recall_macro: macro.recall,
    f1_macro: macro.f1,
    matthews_correlation: matthewsCorrelation,
    roc_auc: count === 2 ? rocAuc(truth, columnOf(predicted, 1, 2)) : rocAucOneVsRest(truth, predicted, count),
    pr_auc:
      count === 2 ? averagePrecision(isPositive, columnOf(predicted, positive, 2)) : averagePrecisionOneVsRest(truth, predicted, count),
    log_loss: logLoss(truth, predicted, count),
    brier: brierLoss(truth, predicted, count),
  };
}

function overFolds(target: Target, held: HeldOut, positive: number): Scores & { readonly over_folds: JsonObject } {
  const fold = held.fold!;
  const folds = [...new Set(fold)].map((one) => {
    const rows = Int32Array.from(fold.keys()).filter((row) => fold[row] === one);
    return scoresOf(target, rowsOf(held, rows, widthOf(target)), positive);
  });
  const names = Object.keys(folds[0]!);
  const mean = (name: string): number => folds.reduce((sum, scores) => sum + scores[name]!, 0) / folds.length;
  const spread = (name: string): number =>
    Math.sqrt(folds.reduce((sum, scores) => sum + (scores[name]! - mean(name)) ** 2, 0) / folds.length);
  const means = Object.fromEntries(names.map((name) => [name, mean(name)]));
  return { ...means, over_folds: Object.fromEntries(names.map((name) => [name, { mean: mean(name), std: spread(name) }])) } as never;
}

function classDetails(target: Target, { y, predicted, codes }: HeldOut, { fittings, calibration, chosen }: Trust): JsonObject {
  const { classes } = target;
  const truth = Int32Array.from(y);
  const confusion = confusionMatrix(truth, codes!, classes.length);
  const { perClass, weighted } = classificationScores(confusion);
  const shown = classes.length <= MAX_SHOWN_CLASSES;
  return {
    f1_weighted: weighted.f1,
    ...(shown && { confusion: { classes: [...classes], counts: confusion } }),
    ...(shown && { per_class: Object.fromEntries(perClass.map((scores, code) => [classes[code]!, { ...scores }])) }),
    decision: decisionDetails(target, fittings, chosen),
    calibration: {
      method: calibration?.method ?? "none",
      ...(calibration && { fitted_to_rows: calibration.rows, error_before: calibration.errorBefore }),
      error: confidenceError(truth, predicted, classes.length),
    },
  };
}

function decisionDetails({ classes }: Target, { decision, positive }: Fittings, chosen: JsonObject | undefined): JsonObject {
  const { by = "most_probable" } = decision ?? {};
  return {
    by,
    ...(positive !== undefined && { positive_class: classes[positive]! }),
    ...(decision?.by === "threshold" && { threshold: decision.threshold }),
    ...(decision?.by === "shares" && { shares: [...decision.shares] }),
    ...(chosen && { chosen_on: chosen }),
  };
}

/** JSON knows no NaN: what cannot be computed (the ROC-AUC of one class) is null. */
export function finite(value: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
