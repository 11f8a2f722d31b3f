/** What a trained model says of a batch of rows, as columns of the table `scores`, and how each is called in the output. */
import { DOUBLE, INTEGER, type DuckDBType } from "@duckdb/node-api";
import {
  type AnomalyModel,
  type Classifier,
  type Clustering,
  columnOf,
  decide,
  type Decision,
  halfWidthAt,
  type Matrix,
  type Model,
  predictPaced,
  type Projection,
  type Regressor,
} from "@streamer/models";
import { literal } from "../../duckdb/sql.ts";
import { predict } from "../learning/fit-supervised.ts";
import type { Fittings, SavedModel } from "../learning/saved-model.ts";
import type { HeldOut } from "../learning/trust.ts";

export interface ScoreColumn {
  /** In `scores`. */
  readonly name: string;
  readonly type: DuckDBType;
}

export interface Scorer {
  readonly columns: readonly ScoreColumn[];
  /** Output columns, over `scores`. */
  readonly shown: readonly { readonly name: string; readonly sql: string }[];
  /** What metrics are computed from, row after row. */
  predict(x: Matrix, signal: AbortSignal): Promise<Float64Array>;
  /** `given`: what was decided of these rows already. */
  columnsOf(predicted: Float64Array, x: Matrix, given?: Pick<HeldOut, "codes" | "halfWidth">): readonly ArrayLike<number>[];
}

/** Probabilities of each class are printed for so many classes at most. */
const MAX_SHOWN_CLASSES = 20;

function classifierScorer(
  model: Classifier,
  classes: readonly string[],
  { threshold, decision }: { readonly threshold: number; readonly decision: Decision },
): Scorer {
  const shown = classes.length <= MAX_SHOWN_CLASSES ? classes : [];
  const names = `[${classes.map(literal).join(", ")}]`;
  return {
    columns: [
      { name: "code", type: INTEGER },
      { name: "confidence", type: DOUBLE },
      ...shown.map((_, code) => ({ name: `p${code}`, type: DOUBLE })),
    ],
    shown: [
      { name: "prediction", sql: `list_extract(${names}, scores.code + 1)` },
      { name: "confidence", sql: "scores.confidence" },
      { name: "uncertain", sql: `scores.confidence < ${threshold}` },
      ...shown.map((name, code) => ({ name: `p_${name}`, sql: `scores.p${code}` })),
    ],
    predict: (x, signal) => predict(model, x, { signal }),
    columnsOf(probabilities, _x, given) {
      const codes = given?.codes ?? decide(probabilities, classes.length, decision);
      const confidence = Float64Array.from(codes, (code, row) => probabilities[row * classes.length + code]!);
      return [codes, confidence, ...shown.map((_, code) => columnOf(probabilities, code, classes.length))];
    },
  };
}

function regressorScorer(model: Regressor, { intervals }: Fittings): Scorer {
  const names = intervals ? ["prediction", "lower", "upper"] : ["prediction"];
  return {
    columns: names.map((name) => ({ name, type: DOUBLE })),
    shown: names.map((name) => ({ name, sql: `scores.${name}` })),
    predict: (x, signal) => predict(model, x, { signal }),
    columnsOf(predicted, _x, given) {
      if (!intervals) return [predicted];
      const widths = given?.halfWidth ?? predicted.map((value) => halfWidthAt(intervals, value));
      return [predicted, predicted.map((value, row) => value - widths[row]!), predicted.map((value, row) => value + widths[row]!)];
    },
  };
}

/**
 * The confidence of an assignment is 1 - nearest / second nearest distance to a center: 1 on a center, 0 half way between
 * two (the simplified silhouette of Hruschka et al. 2004).
 */
function clusteringScorer(model: Clustering, threshold: number): Scorer {
  const { centers, clusterCount } = model;
  return {
    columns: [
      { name: "cluster", type: INTEGER },
      { name: "confidence", type: DOUBLE },
      { name: "distance", type: DOUBLE },
    ],
    shown: [
      { name: "cluster", sql: "scores.cluster" },
      { name: "confidence", sql: "scores.confidence" },
      { name: "uncertain", sql: `scores.confidence < ${threshold}` },
      { name: "distance", sql: "scores.distance" },
    ],
    predict: async (x, signal) => Float64Array.from(await predictPaced(x, (window) => model.assign(window), { signal })),
    columnsOf(codes, x) {
      const confidence = new Float64Array(x.rowCount);
      const distance = new Float64Array(x.rowCount);
      for (let row = 0; row < x.rowCount; row += 1) {
        const [nearest, second] = twoNearest(x, row, { centers, clusterCount });
        distance[row] = nearest;
        confidence[row] = second > 0 ? 1 - nearest / second : 0;
      }
      return [codes, confidence, distance];
    },
  };
}

function twoNearest(
  x: Matrix,
  row: number,
  { centers, clusterCount }: { centers: Float64Array; clusterCount: number },
): readonly [number, number] {
  let nearest = Infinity;
  let second = Infinity;
  const width = x.columns.length;
  for (let cluster = 0; cluster < clusterCount; cluster += 1) {
    let squared = 0;
    for (let column = 0; column < width; column += 1) squared += (x.columns[column]![row]! - centers[cluster * width + column]!) ** 2;
    const distance = Math.sqrt(squared);
    if (distance < nearest) {
      second = nearest;
      nearest = distance;
    } else if (distance < second) second = distance;
  }
  return [nearest, second];
}

/** The confidence that a row is anomalous is the part of the training rows whose scores are below its own. */
function anomalyScorer(model: AnomalyModel, { threshold = Infinity, quantiles = [] }: Fittings): Scorer {
  return {
    columns: [
      { name: "score", type: DOUBLE },
      { name: "confidence", type: DOUBLE },
    ],
    shown: [
      { name: "is_anomaly", sql: `scores.score >= ${threshold}` },
      { name: "score", sql: "scores.score" },
      { name: "confidence", sql: "scores.confidence" },
    ],
    predict: (x, signal) => predictPaced(x, (window) => model.score(window), { signal }),
    columnsOf: (scores) => [scores, scores.map((score) => shareBelow(quantiles, score))],
  };
}

function shareBelow(quantiles: readonly number[], score: number): number {
  let low = 0;
  let high = quantiles.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (quantiles[middle]! < score) low = middle + 1;
    else high = middle;
  }
  return quantiles.length === 0 ? 0 : low / quantiles.length;
}

/** Components of a projection, or the prepared features themselves. */
function transformationScorer(model: Projection | undefined, featureNames: readonly string[]): Scorer {
  const names = model ? Array.from({ length: model.componentCount }, (_, index) => `pc${index + 1}`) : featureNames;
  return {
    columns: names.map((_, index) => ({ name: `f${index}`, type: DOUBLE })),
    shown: names.map((name, index) => ({ name, sql: `scores.f${index}` })),
    predict: async () => new Float64Array(0),
    columnsOf: (_, x) => (model ? model.transform(x) : x).columns,
  };
}

export function scorerOf(
  { name, target, fittings }: SavedModel,
  model: Model | undefined,
  { threshold, featureNames }: { readonly threshold: number; readonly featureNames: readonly string[] },
): Scorer {
  switch (model?.kind) {
    case "classifier":
      return classifierScorer(model, target!.classes, { threshold, decision: fittings.decision ?? { by: "most_probable" } });
    case "regressor":
      return regressorScorer(model, fittings);
    case "clustering":
      return clusteringScorer(model, threshold);
    case "anomaly":
      return anomalyScorer(model, fittings);
    case "projection":
      return transformationScorer(model, featureNames);
    case undefined:
      if (name !== "none") throw new RangeError(`The model file is damaged: it has no "${name}" in it.`);
      return transformationScorer(undefined, featureNames);
  }
}
