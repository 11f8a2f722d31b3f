/**
 * Learns what is usual. No label is looked at while learning; where there is one, "auto" chooses by it on a part of the
 * rows, and the metrics are of the others.
 */
import {
  type AnomalyModel,
  averagePrecision,
  countDistinctPoints,
  fitDistanceFromMean,
  fitIsolationForest,
  fitLocalOutlierFactor,
  flagScores,
  predictPaced,
  rocAuc,
  sampleWithoutReplacement,
  seededRandom,
} from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import { MODELS, type ModelName } from "../options.ts";
import type { Rows } from "../preprocess/load-matrix.ts";
import type { Target } from "../preprocess/target.ts";
import { unusable } from "../problem.ts";
import type { Warning } from "../../warnings.ts";
import { answerCost, fitCost } from "../costs.ts";
import { count, partsByCost, type Tell } from "../progress.ts";
import { anomalyThreshold, type AnomalyThreshold } from "./anomaly-threshold.ts";
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
  readonly warnings: readonly Warning[];
}

/** Of the training scores: enough to say of a new one how rare it is, to half a per cent. */
const QUANTILES = 201;
/** Part of the labelled rows of each kind that is for choosing; the others are for the metrics. */
const CHOOSING_SHARE = 0.2;
const NEIGHBOURS_LIMIT_ROWS = 200_000;

export async function learnAnomalies(
  rows: Rows,
  terms: UnsupervisedTerms & { readonly target: Target | undefined },
): Promise<LearnedAnomalies> {
  const { options, target, tell } = terms;
  const { x } = rows;
  if ((await countDistinctPoints(x, 2, terms.signal)) < 2)
    throw unusable(`The ${x.rowCount} rows are all alike in their features: none can be told from the others.`);
  const truth = target && anomalousRows(rows.y, target);
  const isForChoice = truth && rowsForChoice(truth, options.seed);
  const names = namesToTry(rows, options.model, truth !== undefined);
  const fits: (Tried & { readonly model: ModelName; readonly fitted: AnomalyModel; readonly scores: Float64Array })[] = [];
  const input = { pipeline: "anomaly", options } as const;
  const size = { rows: x.rowCount, columns: x.columns.length };
  const costs = names.flatMap((name) => [fitCost(name, size, input), x.rowCount * answerCost(name, input)]);
  const tellings = partsByCost(tell, costs);
  for (const [index, name] of names.entries()) {
    const [fitting, scoring] = tellings.slice(2 * index) as [Tell, Tell];
    const fitted = await fit(name, rows, { ...terms, tell: fitting });
    const scores = await predictPaced(rows.x, (window) => fitted.score(window), {
      signal: terms.signal,
      tell: (done) => scoring(done, `${name}: scoring`),
    });
    const chosenBy = truth && labelled(truth, scores, (row) => isForChoice![row] === 1);
    const loss = chosenBy ? 1 - averagePrecision(chosenBy.positive, chosenBy.scores) : Number.NaN;
    fits.push({ model: name, loss, fitted, scores });
  }
  const chosen = best(fits);
  const sorted = chosen.scores.toSorted();
  const cut = anomalyThreshold(chosen.scores, options.contamination);
  const { threshold } = cut;
  const quantiles = Array.from({ length: QUANTILES }, (_, index) => sorted[Math.round((index * (sorted.length - 1)) / (QUANTILES - 1))]!);
  const tried = truth ? fits.map(({ model, loss }) => ({ model, loss })) : [];
  return {
    name: chosen.model,
    model: chosen.fitted,
    tried,
    warnings: tieWarnings(cut),
    why: whyOf(tried, chosen.model, options.model === "auto"),
    fittings: { threshold, quantiles, ...(truth && { anomalousClass: truth.className }) },
    metrics: {
      rows: rows.x.rowCount,
      threshold,
      flagged: cut.flagged,
      flagged_share: cut.flagged / rows.x.rowCount,
      ...(truth && labelMetrics(truth, { scores: chosen.scores, threshold, isForChoice: isForChoice! })),
    },
  };
}

function tieWarnings({ tied, flagged, allowed }: AnomalyThreshold): Warning[] {
  if (tied === 0) return [];
  const message = `${count(tied)} rows are equally unusual where options.contamination would flag ${count(allowed)}: none of these is flagged, and ${count(flagged)} that are more unusual are. Raise contamination above their share to flag them all, or give features that tell them apart.`;
  return [{ kind: "anomaly_ties", message, count: tied }];
}

function namesToTry({ x }: Rows, asked: ModelName | "auto", hasLabel: boolean): readonly ModelName[] {
  if (asked !== "auto") return [asked];
  if (!hasLabel) return ["isolation_forest"];
  return MODELS.anomaly.filter((name) => name !== "local_outlier_factor" || x.rowCount <= NEIGHBOURS_LIMIT_ROWS);
}

function whyOf(tried: readonly Tried[], name: ModelName, isAuto: boolean): string {
  if (!isAuto) return `${name} was asked for`;
  if (tried.length === 0) return `${name} is the one that needs no scale of its own; without a label there is nothing to choose by`;
  return whyChosen(tried, "1 - average precision", "a fifth of the labelled rows");
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

/** By chance, a fifth of the anomalous and a fifth of the usual ones: 1 for a row to choose by. */
function rowsForChoice({ positive }: Truth, seed: number): Uint8Array {
  const random = seededRandom(seed);
  const chosen = new Uint8Array(positive.length);
  for (const kind of [0, 1]) {
    const rows = Int32Array.from(positive.keys()).filter((row) => positive[row] === kind);
    for (const at of sampleWithoutReplacement(random, Math.ceil(CHOOSING_SHARE * rows.length), rows.length)) chosen[rows[at]!] = 1;
  }
  return chosen;
}

interface Flagging {
  readonly scores: Float64Array;
  readonly threshold: number;
  readonly isForChoice: Uint8Array;
}

function labelMetrics(truth: Truth, { scores, threshold, isForChoice }: Flagging): JsonObject {
  const measured = labelled(truth, scores, (row) => isForChoice[row] === 0);
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
