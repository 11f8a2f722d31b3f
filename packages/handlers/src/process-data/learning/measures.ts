/** What models are compared by on rows they did not learn from. Lower is better: a score is taken from 1. */
import {
  averagePrecision,
  averagePrecisionOneVsRest,
  balancedLogLoss,
  brierLoss,
  classificationScores,
  columnOf,
  confusionMatrix,
  logLoss,
  mostProbable,
  regressionScores,
  rocAuc,
  rocAucOneVsRest,
} from "@streamer/models";
import type { ProcessOptions } from "../options.ts";
import type { Target } from "../preprocess/target.ts";

type Measure = Exclude<ProcessOptions["choose_by"], "auto">;

export interface Loss {
  /** As it is told to people. */
  readonly name: string;
  of(y: Float64Array, predicted: Float64Array): number;
}

const NAMES: Readonly<Record<Measure, string>> = {
  log_loss: "log loss",
  balanced_log_loss: "balanced log loss",
  brier: "Brier score",
  roc_auc: "1 - ROC-AUC",
  pr_auc: "1 - PR-AUC",
  f1_macro: "1 - macro F1",
  balanced_accuracy: "1 - balanced accuracy",
  rmse: "RMSE",
  mae: "MAE",
};

/** `positive`: of two classes the one that is looked for. */
export function lossFor(target: Target, options: ProcessOptions, positive: number | undefined): Loss {
  const measure = options.choose_by === "auto" ? usualMeasure(target, options) : options.choose_by;
  const classCount = target.classes.length;
  return {
    name: NAMES[measure],
    of: (y, predicted) =>
      measure === "rmse" || measure === "mae"
        ? regressionScores(y, predicted)[measure]
        : classLoss(measure, Int32Array.from(y), { predicted, classCount, positive: positive ?? 1 }),
  };
}

/** What was asked for decides: rare classes that are to count, or a threshold that will be moved. */
function usualMeasure({ kind }: Target, { class_weights, decide_by }: ProcessOptions): Measure {
  if (kind === "number") return "rmse";
  if (decide_by !== "auto" && ("measure" in decide_by || "recall" in decide_by || "precision" in decide_by)) return "pr_auc";
  return class_weights === "balanced" ? "balanced_log_loss" : "log_loss";
}

interface Answers {
  readonly predicted: Float64Array;
  readonly classCount: number;
  readonly positive: number;
}

function classLoss(measure: Exclude<Measure, "rmse" | "mae">, truth: Int32Array, { predicted, classCount, positive }: Answers): number {
  const isPositive = (): Uint8Array => Uint8Array.from(truth, (code) => (code === positive ? 1 : 0));
  const scores = (): ReturnType<typeof classificationScores> =>
    classificationScores(confusionMatrix(truth, mostProbable(predicted, classCount), classCount));
  switch (measure) {
    case "log_loss":
      return logLoss(truth, predicted, classCount);
    case "balanced_log_loss":
      return balancedLogLoss(truth, predicted, classCount);
    case "brier":
      return brierLoss(truth, predicted, classCount);
    case "roc_auc":
      return 1 - (classCount === 2 ? rocAuc(truth, columnOf(predicted, 1, 2)) : rocAucOneVsRest(truth, predicted, classCount));
    case "pr_auc":
      return classCount === 2
        ? 1 - averagePrecision(isPositive(), columnOf(predicted, positive, 2))
        : 1 - averagePrecisionOneVsRest(truth, predicted, classCount);
    case "f1_macro":
      return 1 - scores().macro.f1;
    case "balanced_accuracy":
      return 1 - scores().balancedAccuracy;
  }
}
