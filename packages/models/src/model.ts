/**
 * What a fitted model is, whatever made it. Fitters are async functions `fitX(x, target, options, context)`; models are
 * plain objects that predict at once, in the caller's slice of time (`pacing.ts` predicts large matrices window by
 * window), print themselves exactly (`toJSON`) and come back with `restoreModel`.
 */
import type { ModelJson } from "./packing.ts";
import type { Matrix } from "./matrix.ts";

/** What a fit may ask of its caller. */
export interface FitContext {
  /** Aborting it stops the fit within one slice of work (about 20 ms); the fit rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** `done` rises from 0 to 1. */
  readonly tell: (done: number, message: string) => void;
  /** Numbers in [0, 1) from a seeded source (`seededRandom`): all chance in a fit comes from here. */
  readonly random: () => number;
}

/** Classes as codes 0 … classCount - 1, in the ascending order of their names. */
export interface Labels {
  readonly codes: Int32Array;
  readonly classCount: number;
}

export interface RowWeighting {
  /** One positive weight a row; absent: all 1. */
  readonly rowWeights?: Float64Array | undefined;
}

export interface ClassWeighting extends RowWeighting {
  /** "balanced": rows / (classes × rows of the class), so that every class weighs the same. */
  readonly classWeights?: "balanced" | Float64Array | undefined;
}

export interface Classifier {
  readonly kind: "classifier";
  readonly classCount: number;
  /** Row after row, classCount numbers each, summing to 1. */
  predictProbabilities(x: Matrix): Float64Array;
  /** One non-negative number a feature, summing to 1 unless all are 0; undefined where the model has none. */
  importances(): Float64Array | undefined;
  /** Loss on rows held back from learning, round by round, where there were such. */
  readonly curve?: Float64Array | undefined;
  toJSON(): ModelJson;
}

export interface Regressor {
  readonly kind: "regressor";
  predict(x: Matrix): Float64Array;
  importances(): Float64Array | undefined;
  /** Loss on rows held back from learning, round by round, where there were such. */
  readonly curve?: Float64Array | undefined;
  toJSON(): ModelJson;
}

export interface Clustering {
  readonly kind: "clustering";
  readonly clusterCount: number;
  /** Cluster after cluster, one number a feature. */
  readonly centers: Float64Array;
  /** Sum of squared distances of the training rows to their centers. */
  readonly inertia: number;
  assign(x: Matrix): Int32Array;
  toJSON(): ModelJson;
}

export interface AnomalyModel {
  readonly kind: "anomaly";
  /** Higher is more anomalous. */
  score(x: Matrix): Float64Array;
  toJSON(): ModelJson;
}

export interface Projection {
  readonly kind: "projection";
  readonly componentCount: number;
  /** Share of the training variance that each component keeps, falling. */
  readonly explainedVarianceRatios: Float64Array;
  /** Component after component, one weight a feature: the loadings. */
  readonly weights: Float64Array;
  /** Columns pc1, pc2, … */
  transform(x: Matrix): Matrix;
  toJSON(): ModelJson;
}

export type Model = Classifier | Regressor | Clustering | AnomalyModel | Projection;
