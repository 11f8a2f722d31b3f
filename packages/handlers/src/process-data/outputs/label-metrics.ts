/** How flags or clusters of newly scored rows agree with a label that came with them. */
import { adjustedRand, averagePrecision, flagScores, rocAuc } from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import type { HeldOut } from "../learning/trust.ts";
import type { SavedModel } from "../learning/saved-model.ts";

export function labelMetrics({ pipeline, target, fittings }: SavedModel, { y, predicted }: HeldOut): JsonObject {
  const rows = Int32Array.from(y.keys()).filter((row) => Number.isFinite(y[row]));
  if (rows.length === 0 || predicted.length === 0) return { rows: rows.length };
  if (pipeline === "clustering") {
    return {
      rows: rows.length,
      adjusted_rand: adjustedRand(
        rows.map((row) => predicted[row]!),
        rows.map((row) => y[row]!),
      ),
    };
  }
  const code = target?.classes.indexOf(fittings.anomalousClass ?? "") ?? -1;
  if (pipeline !== "anomaly" || code < 0) return { rows: rows.length };
  const positive = Uint8Array.from(rows, (row) => (y[row] === code ? 1 : 0));
  const scores = Float64Array.from(rows, (row) => predicted[row]!);
  const flags = Int32Array.from(scores, (score) => (score >= fittings.threshold! ? 1 : 0));
  return {
    rows: rows.length,
    ...flagScores(positive, flags),
    roc_auc: rocAuc(positive, scores),
    pr_auc: averagePrecision(positive, scores),
  };
}
