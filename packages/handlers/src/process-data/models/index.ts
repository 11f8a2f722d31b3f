/** The models of process_data: fitters, what they need, and the way back from JSON. */
export { fitClassShares, fitDistanceFromMean, fitMean } from "./baselines.ts";
export { fitBoostingClassifier, fitBoostingRegressor } from "./boosting.ts";
export { calibrate, type CalibrationMethod } from "./calibration.ts";
export { fitForestClassifier, fitForestRegressor } from "./forest.ts";
export { fitIsolationForest } from "./isolation-forest.ts";
export { fitKMeans } from "./k-means.ts";
export { fitLocalOutlierFactor } from "./local-outlier-factor.ts";
export { fitLogistic } from "./logistic.ts";
export { takeRows, type Matrix } from "./matrix.ts";
export type { AnomalyModel, Classifier, Clustering, FitContext, Labels, Model, Projection, Regressor } from "./model.ts";
export { paced, predictPaced, type Steps } from "./pacing.ts";
export { fitPrincipalComponents } from "./principal-components.ts";
export { seededRandom } from "./random.ts";
export { restoreModel } from "./restore-model.ts";
export { fitRidge } from "./ridge.ts";
export { fitSlices } from "./slices.ts";
