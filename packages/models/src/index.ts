/** Learning on tables: fitters, what they need, the way back from JSON, and the measures of what was learned. */
export { fitClassShares, fitDistanceFromMean, fitMean } from "./baselines.ts";
export { calibrate, type CalibrationMethod } from "./calibration/calibration.ts";
export { chooseThreshold, decide, type Decision, type ThresholdGoal } from "./calibration/decision.ts";
export { calibrated, confidenceError, recalibrated, type Calibration } from "./calibration/held-rows.ts";
export { fitIntervals, halfWidthAt, type IntervalBand } from "./calibration/intervals.ts";
export { countDistinctPoints } from "./distances/distinct-points.ts";
export { fitKMeans } from "./distances/k-means.ts";
export { fitLocalOutlierFactor } from "./distances/local-outlier-factor.ts";
export { fitSlices } from "./distances/slices.ts";
export { fitLogistic } from "./linear/logistic.ts";
export { fitPrincipalComponents } from "./linear/principal-components.ts";
export { fitRidge } from "./linear/ridge.ts";
export { rowMajor, rowWindow, takeRows, type Matrix } from "./matrix.ts";
export { classificationScores, confusionMatrix, mostProbable } from "./metrics/classification.ts";
export { adjustedRand, clusterShape, silhouette } from "./metrics/clustering.ts";
export { mutualInformation } from "./metrics/mutual-information.ts";
export { balancedLogLoss, brierLoss, logLoss } from "./metrics/probabilities.ts";
export {
  averagePrecision,
  averagePrecisionOneVsRest,
  columnOf,
  forEachCut,
  flagScores,
  rocAuc,
  rocAucOneVsRest,
} from "./metrics/ranking.ts";
export { regressionScores } from "./metrics/regression.ts";
export type { AnomalyModel, Classifier, Clustering, FitContext, Labels, Model, Projection, Regressor } from "./model.ts";
export { type ModelJson, packNumbers, PackedNumbers, unpackFloats, unpackInts } from "./packing.ts";
export { predictPaced } from "./pacing.ts";
export { sampleWithoutReplacement, seededRandom, shuffle } from "./random.ts";
export { restoreModel } from "./restore-model.ts";
export { fitBoostingClassifier, fitBoostingRegressor } from "./trees/boosting.ts";
export { fitForestClassifier, fitForestRegressor } from "./trees/forest.ts";
export { fitIsolationForest } from "./trees/isolation-forest.ts";
