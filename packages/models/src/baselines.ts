/** What a model has to beat: the share of each class, the mean of the target, the distance from the middle. */
import type { Matrix } from "./matrix.ts";
import type { AnomalyModel, Classifier, ClassWeighting, Labels, Regressor, RowWeighting } from "./model.ts";
import { type ModelJson, packNumbers, readNumber, unpackFloats } from "./packing.ts";
import { rowWeightsOf, totalWeight, weightedMean } from "./weights.ts";

/** Always answers the classes' shares: the most frequent is its guess. */
export function fitClassShares(labels: Labels, options: ClassWeighting = {}): Classifier {
  const weights = rowWeightsOf(labels, options);
  const shares = new Float64Array(labels.classCount);
  const total = totalWeight(labels.codes.length, weights);
  labels.codes.forEach((code, row) => (shares[code]! += (weights?.[row] ?? 1) / total));
  return classShares(shares);
}

const classShares = (shares: Float64Array): Classifier => ({
  kind: "classifier",
  classCount: shares.length,
  predictProbabilities: ({ rowCount }) => Float64Array.from({ length: rowCount * shares.length }, (_, at) => shares[at % shares.length]!),
  importances: () => undefined,
  toJSON: (): ModelJson => ({ model: "class-shares", shares: packNumbers(shares) }),
});

export const restoreClassShares = (json: ModelJson): Classifier => classShares(unpackFloats(json, "shares"));

export function fitMean(target: Float64Array, { rowWeights }: RowWeighting = {}): Regressor {
  return mean(weightedMean(target, rowWeights));
}

const mean = (value: number): Regressor => ({
  kind: "regressor",
  predict: ({ rowCount }) => new Float64Array(rowCount).fill(value),
  importances: () => undefined,
  toJSON: (): ModelJson => ({ model: "mean", value }),
});

export const restoreMean = (json: ModelJson): Regressor => mean(readNumber(json, "value"));

/** Distance from the column means in standard deviations, as if the columns had nothing to do with each other. */
export function fitDistanceFromMean(x: Matrix): AnomalyModel {
  const means = Float64Array.from(x.columns, (values) => values.reduce((total, value) => total + value, 0) / x.rowCount);
  const deviations = Float64Array.from(x.columns, (values, column) =>
    Math.sqrt(values.reduce((total, value) => total + (value - means[column]!) ** 2, 0) / x.rowCount),
  );
  return distanceFromMean(means, deviations);
}

const distanceFromMean = (means: Float64Array, deviations: Float64Array): AnomalyModel => ({
  kind: "anomaly",
  score: (x) => {
    const squares = new Float64Array(x.rowCount);
    x.columns.forEach((values, column) => {
      const scale = deviations[column]! || 1;
      for (let row = 0; row < squares.length; row += 1) squares[row]! += ((values[row]! - means[column]!) / scale) ** 2;
    });
    return squares.map(Math.sqrt);
  },
  toJSON: (): ModelJson => ({ model: "distance-from-mean", means: packNumbers(means), deviations: packNumbers(deviations) }),
});

export const restoreDistanceFromMean = (json: ModelJson): AnomalyModel =>
  distanceFromMean(unpackFloats(json, "means"), unpackFloats(json, "deviations"));
