/**
 * Learns what is usual. No label is looked at while learning; where there is one, "auto" chooses by it on a part of the
 * rows, and the metrics are of the others.
 */
import {
  type AnomalyModel,
  averagePrecision,
  fitDistanceFromMean,
  fitIsolationForest,
  fitLocalOutlierFactor,
  flagScores,
  predictPaced,
  rocAuc,
  seededRandom,
} from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import { MODELS, type ModelName } from "../options.ts";
import type { Rows } from "../preprocess/load-matrix.ts";
import type { Target } from "../preprocess/target.ts";
import { part } from "../progress.ts";
import { best, whyChosen, type Tried } from "./candidates.ts";
import type { UnsupervisedTerms } from "./learn-clusters.ts";
import type { Fittings } from "./saved-model.ts";

export interface LearnedAnomalies {
  readonly name: ModelName;
  readonly model: AnomalyModel;
  readonly why: string;
  readonly tried: readonly Tried[];
  readonly fittings: Fittings;
  readonly metrics: JsonObject;
}

/** Of the training scores: enough to say of a new one how rare it is, to half a per cent. */
const QUANTILES = 201;
/** Every so many-th labelled row is for choosing, the others for the metrics. */
const CHOOSING_STRIDE = 5;
const NEIGHBOURS_LIMIT_ROWS = 200_000;

export async function learnAnomalies(
  rows: Rows,
  terms: UnsupervisedTerms & { readonly target: Target | undefined },
): Promise<LearnedAnomalies> {
  const { options, target, tell } = terms;
  const truth = target && anomalousRows(rows.y, target);
  const names = namesToTry(rows, options.model, truth !== undefined);
  const fits: (Tried & { readonly model: ModelName; readonly fitted: AnomalyModel; readonly scores: Float64Array })[] = [];
  for (const [index, name] of names.entries()) {
    const telling = part(tell, index / names.length, (index + 1) / names.length);
    const fitted = await fit(name, rows, { ...terms, tell: part(telling, 0, 0.7) });
    const scores = await predictPaced(rows.x, (window) => fitted.score(window), {
      signal: terms.signal,
      tell: (done) => telling(0.7 + 0.3 * done, `${name}: scoring`),
    });
    const chosenBy = truth && labelled(truth, scores, (row) => row % CHOOSING_STRIDE === 0);
    const loss = chosenBy ? 1 - averagePrecision(chosenBy.positive, chosenBy.scores) : Number.NaN;
    fits.push({ model: name, loss, fitted, scores });
  }
  const chosen = best(fits);
  const sorted = chosen.scores.toSorted();
  const threshold = sorted[Math.min(sorted.length - 1, Math.floor((1 - options.contamination) * sorted.length))]!;
  const quantiles = Array.from({ length: QUANTILES }, (_, index) => sorted[Math.round((index * (sorted.length - 1)) / (QUANTILES - 1))]!);
  const tried = truth ? fits.map(({ model, loss }) => ({ model, loss })) : [];
  return {
    name: chosen.model,
    model: chosen.fitted,
    tried,
    why: whyOf(tried, chosen.model, options.model === "auto"),
    fittings: { threshold, quantiles, ...(truth && { anomalousClass: truth.className }) },
    metrics: {
      rows: rows.x.rowCount,
      threshold,
      ...flaggedOf(chosen.scores, threshold),
      ...(truth && labelMetrics(truth, chosen.scores, threshold)),
    },
  };
}

function namesToTry({ x }: Rows, asked: ModelName | "auto", hasLabel: boolean): readonly ModelName[] {
  if (asked !== "auto") return [asked];
  if (!hasLabel) return ["isolation_forest"];
  return MODELS.anomaly.filter((name) => name !== "local_outlier_factor" || x.rowCount <= NEIGHBOURS_LIMIT_ROWS);
}

function whyOf(tried: readonly Tried[], name: ModelName, isAuto: boolean): string {
  if (!isAuto) return `${name} was asked for`;
  if (tried.length === 0) return `${name} is the one that needs no scale of its own; without a label there is nothing to choose by`;
  return whyChosen(tried, "1 - average precision", "every fifth labelled row");
}

function fit(name: ModelName, { x }: Rows, { options, signal, tell, fitOnce }: UnsupervisedTerms): Promise<AnomalyModel> {
  const context = { signal, tell, random: seededRandom(options.seed) };
  return fitOnce(name, () => {
    if (name === "baseline") return fitDistanceFromMean(x);
    if (name === "local_outlier_factor") return fitLocalOutlierFactor(x, {}, context);
    return fitIsolationForest(x, { ...(options.max_iterations && { trees: options.max_iterations }) }, context);
  });
}

interface Truth {
  readonly className: string;
  /** 1 anomalous, 0 usual, NaN unlabelled. */
  readonly positive: Float64Array;
}

/** The anomalous class is the rarest; undefined where the label has one class only. */
function anomalousRows(y: Float64Array, { classes }: Target): Truth | undefined {
  const rows = classes.map((_, code) => y.reduce((sum, value) => sum + (value === code ? 1 : 0), 0));
  const present = classes.map((_, code) => code).filter((code) => rows[code]! > 0);
  if (present.length < 2) return undefined;
  const rarest = present.reduce((lead, code) => (rows[code]! < rows[lead]! ? code : lead));
  return { className: classes[rarest]!, positive: y.map((value) => (Number.isNaN(value) ? Number.NaN : value === rarest ? 1 : 0)) };
}

function labelled(
  { positive }: Truth,
  scores: Float64Array,
  pick: (row: number) => boolean,
): { positive: Uint8Array; scores: Float64Array } {
  const rows = Int32Array.from(positive.keys()).filter((row) => pick(row) && !Number.isNaN(positive[row]));
  return { positive: Uint8Array.from(rows, (row) => positive[row]!), scores: Float64Array.from(rows, (row) => scores[row]!) };
}

function flaggedOf(scores: Float64Array, threshold: number): JsonObject {
  const flagged = scores.reduce((sum, score) => sum + (score >= threshold ? 1 : 0), 0);
  return { flagged, flagged_share: flagged / scores.length };
}

function labelMetrics(truth: Truth, scores: Float64Array, threshold: number): JsonObject {
  const measured = labelled(truth, scores, (row) => row % CHOOSING_STRIDE !== 0);
  const flags = Int32Array.from(measured.scores, (score) => (score >= threshold ? 1 : 0));
  const { precision, recall, f1 } = flagScores(measured.positive, flags);
  return {
    anomalous_class: truth.className,
    labelled_rows: measured.scores.length,
    precision,
    recall,
    f1,
    roc_auc: rocAuc(measured.positive, measured.scores),
    pr_auc: averagePrecision(measured.positive, measured.scores),
  };
}
