/** Models come back from what their toJSON wrote, by the name it carries. */
import type { ModelJson } from "./packing.ts";
import { restoreClassShares, restoreDistanceFromMean, restoreMean } from "./baselines.ts";
import { restoreBoostingClassifier, restoreBoostingRegressor } from "./trees/boosting.ts";
import { restoreCalibrated } from "./calibration/calibration.ts";
import { restoreForestClassifier, restoreForestRegressor } from "./trees/forest.ts";
import { restoreIsolationForest } from "./trees/isolation-forest.ts";
import { restoreKMeans } from "./distances/k-means.ts";
import { restoreLocalOutlierFactor } from "./distances/local-outlier-factor.ts";
import { restoreLogistic } from "./linear/logistic.ts";
import type { Model } from "./model.ts";
import { restorePrincipalComponents } from "./linear/principal-components.ts";
import { restoreRidge } from "./linear/ridge.ts";

const RESTORE: Readonly<Record<string, (json: ModelJson) => Model>> = {
  logistic: restoreLogistic,
  ridge: restoreRidge,
  "boosting-classifier": restoreBoostingClassifier,
  "boosting-regressor": restoreBoostingRegressor,
  "forest-classifier": restoreForestClassifier,
  "forest-regressor": restoreForestRegressor,
  "k-means": restoreKMeans,
  "isolation-forest": restoreIsolationForest,
  "local-outlier-factor": restoreLocalOutlierFactor,
  "principal-components": restorePrincipalComponents,
  "class-shares": restoreClassShares,
  mean: restoreMean,
  "distance-from-mean": restoreDistanceFromMean,
  calibrated: (json) => restoreCalibrated(json, restoreModel),
};

/** Throws a RangeError that says what is wrong with a file that was cut, edited or is of another kind. */
export function restoreModel(json: ModelJson): Model {
  const name = typeof json.model === "string" ? json.model : "";
  const restore = Object.hasOwn(RESTORE, name) ? RESTORE[name] : undefined;
  if (!restore) throw new RangeError(`There is no model "${name}"; there are ${Object.keys(RESTORE).join(", ")}.`);
  return restore(json);
}
