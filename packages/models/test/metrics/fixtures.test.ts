/** Every metric against values computed elsewhere: relative 1e-9, absolute 1e-12 near 0, as their README says. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { classificationScores, confusionMatrix } from "../../src/metrics/classification.ts";
import { adjustedRand, clusterShape, silhouette } from "../../src/metrics/clustering.ts";
import { brierScore, logLoss } from "../../src/metrics/probabilities.ts";
import { averagePrecision, rocAuc, rocAucOneVsRest } from "../../src/metrics/ranking.ts";
import { regressionScores } from "../../src/metrics/regression.ts";
import type { Matrix } from "../../src/matrix.ts";

type Scores = Readonly<Record<"precision" | "recall" | "f1", number>>;

interface Fixtures {
  readonly classification: readonly {
    readonly y_true: number[];
    readonly y_pred: number[];
    readonly labels: number[];
    readonly accuracy: number;
    readonly confusion_matrix: number[][];
    readonly balanced_accuracy: number;
    readonly matthews_corrcoef: number;
    readonly macro: Scores;
    readonly weighted: Scores;
    readonly per_class: Readonly<Record<"precision" | "recall" | "f1" | "support", number[]>>;
  }[];
  readonly binary_scores: readonly {
    readonly y_true: number[];
    readonly score: number[];
    readonly roc_auc: number;
    readonly average_precision: number;
    readonly log_loss: number;
    readonly brier: number;
  }[];
  readonly multiclass_scores: readonly {
    readonly y_true: number[];
    readonly probabilities: number[][];
    readonly roc_auc_ovr_macro: number;
    readonly log_loss: number;
  }[];
  readonly regression: readonly (Readonly<Record<"y_true" | "y_pred", number[]>> & Readonly<Record<string, unknown>>)[];
  readonly clustering: readonly (Readonly<Record<"labels" | "truth", number[]>> & {
    readonly X: number[][];
    readonly silhouette: number;
    readonly davies_bouldin: number;
    readonly calinski_harabasz: number;
    readonly adjusted_rand: number;
  })[];
}

const path = new URL("../../../../fixtures/data/metric-fixtures/metric_fixtures.json", import.meta.url);
const fixtures = JSON.parse(readFileSync(path, "utf8")) as Fixtures;

/** Text that names what differs, undefined where the figure holds. */
const difference = (actual: number, wanted: unknown): string | undefined =>
  Math.abs(actual - Number(wanted)) <= Math.max(1e-12, 1e-9 * Math.abs(Number(wanted))) ? undefined : `${actual} is not ${Number(wanted)}`;

function expectAll(pairs: Readonly<Record<string, readonly [number, unknown]>>): void {
  const wrong = Object.entries(pairs).flatMap(([name, [actual, wanted]]) => {
    const problem = difference(actual, wanted);
    return problem ? [`${name}: ${problem}`] : [];
  });
  expect(wrong).toEqual([]);
}

describe("metrics equal their reference values", () => {
  it.each(fixtures.classification)("classification $labels", (one) => {
    const confusion = confusionMatrix(Int32Array.from(one.y_true), Int32Array.from(one.y_pred), one.labels.length);
    expect(confusion).toEqual(one.confusion_matrix);
    const scores = classificationScores(confusion);
    expectAll({
      accuracy: [scores.accuracy, one.accuracy],
      balanced: [scores.balancedAccuracy, one.balanced_accuracy],
      matthews: [scores.matthewsCorrelation, one.matthews_corrcoef],
    });
    for (const name of ["precision", "recall", "f1"] as const) {
      expectAll({ macro: [scores.macro[name], one.macro[name]], weighted: [scores.weighted[name], one.weighted[name]] });
      one.per_class[name].forEach((wanted, code) => expectAll({ [name]: [scores.perClass[code]![name], wanted] }));
    }
  });

  it.each(fixtures.binary_scores)("binary scores, ROC-AUC $roc_auc", (one) => {
    const scores = Float64Array.from(one.score);
    expectAll({ auc: [rocAuc(one.y_true, scores), one.roc_auc], ap: [averagePrecision(one.y_true, scores), one.average_precision] });
    const both = Float64Array.from(one.score.flatMap((score) => [1 - score, score]));
    expectAll({
      loss: [logLoss(Int32Array.from(one.y_true), both, 2), one.log_loss],
      brier: [brierScore(one.y_true, scores), one.brier],
    });
  });

  it.each(fixtures.multiclass_scores)("probabilities of several classes, log loss $log_loss", (one) => {
    const truth = Int32Array.from(one.y_true);
    const classCount = one.probabilities[0]!.length;
    const probabilities = Float64Array.from(one.probabilities.flat());
    expectAll({
      auc: [rocAucOneVsRest(truth, probabilities, classCount), one.roc_auc_ovr_macro],
      loss: [logLoss(truth, probabilities, classCount), one.log_loss],
    });
  });

  it.each(fixtures.regression)("regression, R² $r2", (one) => {
    const scores = regressionScores(Float64Array.from(one.y_true), Float64Array.from(one.y_pred));
    expectAll({
      mse: [scores.mse, one.mse],
      rmse: [scores.rmse, one.rmse],
      mae: [scores.mae, one.mae],
      r2: [scores.r2, one.r2],
      median: [scores.medianAbsoluteError, one.median_absolute_error],
      explained: [scores.explainedVariance, one.explained_variance],
      max: [scores.maxError, one.max_error],
    });
  });

  it.each(fixtures.clustering)("clustering, silhouette $silhouette", async (one) => {
    const x = matrixOf(one.X);
    const codes = Int32Array.from(one.labels);
    const shape = clusterShape(x, codes);
    expectAll({
      silhouette: [await silhouette(x, codes, new AbortController().signal), one.silhouette],
      daviesBouldin: [shape.daviesBouldin, one.davies_bouldin],
      calinskiHarabasz: [shape.calinskiHarabasz, one.calinski_harabasz],
      adjustedRand: [adjustedRand(codes, Int32Array.from(one.truth)), one.adjusted_rand],
    });
  });
});

function matrixOf(rows: readonly (readonly number[])[]): Matrix {
  const names = rows[0]!.map((_, column) => `c${column}`);
  return { rowCount: rows.length, names, columns: names.map((_, column) => Float64Array.from(rows, (row) => row[column]!)) };
}
