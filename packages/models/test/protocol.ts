/** Cross-validation as reference_metrics.json did it: the plain mean of each metric over the folds. */
import { classificationScores, confusionMatrix, mostProbable } from "../src/metrics/classification.ts";
import { logLoss } from "../src/metrics/probabilities.ts";
import { columnOf, rocAuc, rocAucOneVsRest } from "../src/metrics/ranking.ts";
import { regressionScores } from "../src/metrics/regression.ts";
import type { Matrix } from "../src/matrix.ts";
import type { Classifier, FitContext, Labels, Regressor } from "../src/model.ts";
import { fitContext, splits, take, type RawTable } from "./data-sets.ts";

export type Figures = Readonly<Record<string, number>>;

interface Protocol {
  readonly table: RawTable;
  readonly folds: Int32Array;
  /** The first so many folds only. */
  readonly foldCount?: number;
  readonly seed?: number;
}

type FitClassifier = (x: Matrix, labels: Labels, context: FitContext) => Promise<Classifier>;
type FitRegressor = (x: Matrix, target: Float64Array, context: FitContext) => Promise<Regressor>;

export async function validateClassifier(protocol: Protocol & { readonly labels: Labels }, fit: FitClassifier): Promise<Figures> {
  const { codes, classCount } = protocol.labels;
  const all: Figures[] = [];
  for (const { train, test, trainRows, testRows } of splits(protocol.table, protocol.folds, protocol.foldCount)) {
    const model = await fit(train, { codes: take(codes, trainRows), classCount }, fitContext(protocol.seed ?? 0));
    all.push(classifierFigures(take(codes, testRows), model.predictProbabilities(test), classCount));
  }
  return meanOf(all);
}

export async function validateRegressor(protocol: Protocol & { readonly target: Float64Array }, fit: FitRegressor): Promise<Figures> {
  const all: Figures[] = [];
  for (const { train, test, trainRows, testRows } of splits(protocol.table, protocol.folds, protocol.foldCount)) {
    const model = await fit(train, take(protocol.target, trainRows), fitContext(protocol.seed ?? 0));
    const { mse, rmse, mae, r2 } = regressionScores(take(protocol.target, testRows), model.predict(test));
    all.push({ mse, rmse, mae, r2 });
  }
  return meanOf(all);
}

function classifierFigures(truth: Int32Array, probabilities: Float64Array, classCount: number): Figures {
  const { accuracy, macro, perClass } = classificationScores(confusionMatrix(truth, mostProbable(probabilities, classCount), classCount));
  const figures = {
    accuracy,
    precision_macro: macro.precision,
    recall_macro: macro.recall,
    f1_macro: macro.f1,
    log_loss: logLoss(truth, probabilities, classCount),
  };
  if (classCount > 2) return { ...figures, roc_auc_ovr_macro: rocAucOneVsRest(truth, probabilities, classCount) };
  const { precision, recall, f1 } = perClass[1]!;
  const area = rocAuc(truth, columnOf(probabilities, 1, 2));
  return { ...figures, roc_auc: area, precision_positive: precision, recall_positive: recall, f1_positive: f1 };
}

function meanOf(all: readonly Figures[]): Figures {
  return Object.fromEntries(Object.keys(all[0]!).map((name) => [name, all.reduce((total, one) => total + one[name]!, 0) / all.length]));
}

const LOWER_IS_BETTER = new Set(["log_loss", "mse", "rmse", "mae"]);

/** What is further from the reference than the tolerances of the protocol; empty where all holds. */
export function deviations(actual: Figures, wanted: Readonly<Record<string, unknown>>, allowed: "deterministic" | number): string[] {
  return Object.entries(actual).flatMap(([name, value]) => {
    const mean = (wanted[name] as { readonly mean: number }).mean;
    const isWrong = allowed === "deterministic" ? isOff(name, value, mean) : isWorse(name, value, { mean, allowed });
    return isWrong ? [`${name} ${value.toPrecision(6)} against ${mean}`] : [];
  });
}

/** Deterministic models: rates within 0.005 both ways, errors within 1 %. */
function isOff(name: string, value: number, mean: number): boolean {
  if (name === "mse") return Math.abs(value - mean) > 0.02 * mean;
  if (name === "rmse" || name === "mae") return Math.abs(value - mean) > 0.01 * mean;
  return Math.abs(value - mean) > 0.005;
}

/** Models with chance in them may be better; rates may be `allowed` below, an error 4 % above (8 % when squared). */
function isWorse(name: string, value: number, { mean, allowed }: { readonly mean: number; readonly allowed: number }): boolean {
  if (name === "log_loss") return value > mean + 2 * allowed;
  if (LOWER_IS_BETTER.has(name)) return value > mean * (name === "mse" ? 1.0816 : 1.04);
  return value < mean - allowed;
}
