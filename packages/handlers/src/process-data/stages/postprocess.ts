/** Stage 5: every row is scored, held-out rows are measured, and files, model and card are stored. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StoredBlob } from "@streamer/core";
import { recalibrated } from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import type { Database } from "../../duckdb/database.ts";
import type { Prepared } from "../features/prepare.ts";
import type { FileForm } from "../ingest/file-form.ts";
import { writeJson } from "../json-file.ts";
import type { HeldOut } from "../learning/trust.ts";
import { joinedNumbers } from "../learning/joined-numbers.ts";
import { inFile, MODEL_BLOB, type SavedModel } from "../learning/saved-model.ts";
import { explainAnomalies } from "../outputs/anomaly-reasons.ts";
import { clusterProfiles } from "../outputs/cluster-profiles.ts";
import { labelMetrics } from "../outputs/label-metrics.ts";
import { modelCard } from "../outputs/model-card.ts";
import { scorerOf } from "../outputs/scorers.ts";
import { appendScores, createScoreTable, scoreRows } from "../outputs/score-rows.ts";
import { modelReport } from "../outputs/report/report.ts";
import { finite, measuredRows, supervisedMetrics, type Trust } from "../outputs/supervised-metrics.ts";
import { idColumns } from "../outputs/id-columns.ts";
import { OUTPUT_TYPES, previewRows, renamedOutputs, writeOutput, type OutputTerms } from "../outputs/write-output.ts";
import { REPEATED, TEST, UNLABELLED } from "../preprocess/split.ts";
import { keptFeatures } from "../preprocess/recipe.ts";
import { count, part, type Tell } from "../progress.ts";
import type { Run } from "../run.ts";
import { processResult } from "../outputs/result.ts";
import type { ProcessResult } from "../process-result.ts";
import type { Ingested } from "./ingest.ts";
import type { Trained } from "./model.ts";
import type { Preprocessed } from "./preprocess.ts";

export interface Finished {
  readonly ingested: Ingested;
  readonly preprocessed: Omit<Preprocessed, "fitted">;
  readonly prepared: Prepared;
  readonly trained: Trained;
  /** Columns of the output that could not keep their name. */
  readonly renamed?: FileForm["renamed"];
}

const CARD_BLOB = "model-card.json";
const REPORT_BLOB = "model-report.html";
const JSON_TYPE = "application/json";

export async function postprocess(database: Database, run: Run, finished: Finished): Promise<ProcessResult> {
  const { input, ctx, scratchFolder } = run;
  const { preprocessed, trained } = finished;
  const tell = run.progress.stage("postprocess");
  const { shown, metrics, measured } = await score(database, run, { finished, tell: part(tell, 0, 0.7) });
  const ids = await idColumns(database, input.id_columns ?? [], finished.ingested);
  const terms: OutputTerms = { input, ids, shown, actual: preprocessed.target?.column, part: partSql(run) };
  const told = { ...finished, renamed: renamedOutputs(terms) };
  tell(0.7, "Metrics computed", { metrics: headline(metrics) });
  const file = await writeOutput(database, terms, { folder: scratchFolder, tell: part(tell, 0.7, 0.85) });
  const preview = await previewRows(database, terms);
  const card = finite(modelCard(run, told, metrics));
  const stored = {
    output: await store(run, `predictions.${input.output.format}`, file.path),
    card: await storeText(run, { name: CARD_BLOB, text: JSON.stringify(card, undefined, 2), contentType: JSON_TYPE }),
    report: await storeText(run, {
      name: REPORT_BLOB,
      text: await modelReport(database, run, { ...told, metrics: finite(metrics), measured }),
      contentType: "text/html; charset=utf-8",
    }),
    ...(input.options.model_id === undefined && {
      model: await storeModel(run, trained.saved),
    }),
  };
  ctx.signal.throwIfAborted();
  tell(1, `${count(file.rows)} rows written as ${input.output.format}`, { rows_written: file.rows, size_bytes: stored.output.sizeBytes });
  return processResult(run, { ...told, metrics, preview, stored, rows: file.rows });
}

interface ScoreStep {
  readonly finished: Finished;
  readonly tell: Tell;
}

interface Scored {
  readonly shown: OutputTerms["shown"];
  readonly metrics: JsonObject;
  /** The rows the metrics are of. */
  readonly measured: HeldOut | undefined;
}

async function score(database: Database, run: Run, { finished, tell }: ScoreStep): Promise<Scored> {
  const { input, ctx } = run;
  const { prepared, trained, preprocessed } = finished;
  const names = keptFeatures(prepared.recipe).map(({ name }) => name);
  const scorer = scorerOf(trained.saved, trained.model, { threshold: input.options.confidence_threshold, featureNames: names });
  await createScoreTable(database, scorer.columns);
  const { target } = preprocessed;
  const scoring = { recipe: prepared.recipe, binding: prepared.binding, target, scorer, signal: ctx.signal };
  const isSupervised = trained.saved.pipeline === "classification" || trained.saved.pipeline === "regression";
  if (trained.heldOut && target) {
    const { heldOut } = trained;
    await appendScores(database, scorer.columns, [
      heldOut.rows,
      ...scorer.columnsOf(confidencesOf(heldOut, trained), { rowCount: 0, names: [], columns: [] }, heldOut),
    ]);
    tell(0.9, `${count(heldOut.rows.length)} rows scored by the models of the other folds`);
    await scoreRows(database, { ...scoring, where: "part < 0", tell: part(tell, 0.9, 1) });
    const rows = measuredRows(target, heldOut, trustOf(trained));
    return {
      shown: scorer.shown,
      metrics: { measured_on: `${input.options.folds} folds`, ...supervisedMetrics(target, rows, trustOf(trained)) },
      measured: rows,
    };
  }
  const measured = new Collected();
  const measures = target !== undefined && (isSupervised || input.options.model_id !== undefined);
  await scoreRows(database, { ...scoring, where: `part = ${TEST}`, tell: part(tell, 0, 0.4), ...(measures && { onBatch: measured.add }) });
  await scoreRows(database, { ...scoring, where: `part <> ${TEST}`, tell: part(tell, 0.4, 1) });
  const where = input.options.model_id === undefined ? "test part" : "the rows scored";
  const told = await describeRows(database, run, finished);
  const shown = [...scorer.shown, ...told.shown];
  if (!target || !measures) return { shown, metrics: { ...trained.metrics, ...told.metrics }, measured: undefined };
  if (!isSupervised) {
    const metrics = labelMetrics(trained.saved, measured.heldOut());
    return { shown, metrics: { measured_on: where, ...metrics, ...told.metrics }, measured: undefined };
  }
  const rows = measuredRows(target, measured.heldOut(), trustOf(trained));
  return { shown, metrics: { measured_on: where, ...supervisedMetrics(target, rows, trustOf(trained)) }, measured: rows };
}

/** What there is to say of scored rows beside their score: why they were flagged, what their cluster is like. */
async function describeRows(
  database: Database,
  { ctx }: Run,
  { prepared, trained, preprocessed }: Finished,
): Promise<{ shown: OutputTerms["shown"]; metrics: JsonObject }> {
  const { model, saved } = trained;
  const { threshold, usual } = saved.fittings;
  if (model?.kind === "anomaly" && threshold !== undefined && usual) {
    const { recipe, binding } = prepared;
    const explained = await explainAnomalies(database, { model, threshold, usual, recipe, binding, signal: ctx.signal });
    return { shown: [{ name: "reasons", sql: "scores.reasons" }], metrics: { explained } };
  }
  if (model?.kind !== "clustering") return { shown: [], metrics: {} };
  const profiles = await clusterProfiles(database, preprocessed.columns.inputs, model.clusterCount);
  return { shown: [], metrics: { profiles: profiles.map((one) => ({ ...one })) } };
}

/** Held-out predictions with the confidences the final model will give. */
function confidencesOf({ y, predicted }: HeldOut, { model, calibration, saved }: Trained): Float64Array {
  if (!calibration || model?.kind !== "classifier" || saved.fittings.decision?.by !== "most_probable") return predicted;
  const { classCount } = model;
  return recalibrated({ codes: Int32Array.from(y), probabilities: predicted }, predicted, { classCount, method: calibration.method });
}

/** Labels and predictions of the rows that are measured, gathered batch by batch. */
class Collected {
  readonly #y: Float64Array[] = [];
  readonly #predicted: Float64Array[] = [];

  readonly add = (y: Float64Array, predicted: Float64Array): void => {
    this.#y.push(y);
    this.#predicted.push(predicted);
  };

  heldOut(): HeldOut {
    const y = joinedNumbers(this.#y);
    return { rows: Int32Array.from(y.keys()), y, predicted: joinedNumbers(this.#predicted) };
  }
}

function partSql({ input }: Run): string | undefined {
  const { pipeline, options } = input;
  if (options.model_id !== undefined || (pipeline !== "classification" && pipeline !== "regression")) return undefined;
  const learned = options.folds > 0 ? "'fold ' || (clean.part + 1)" : `CASE clean.part WHEN ${TEST} THEN 'test' ELSE 'train' END`;
  return `CASE clean.part WHEN ${REPEATED} THEN 'repeated' WHEN ${UNLABELLED} THEN 'no target' ELSE ${learned} END`;
}

function store({ ctx, input }: Run, name: string, path: string): Promise<StoredBlob> {
  const { contentType } = OUTPUT_TYPES[input.output.format];
  return ctx.blobs.putFile(name, path, { contentType, filename: input.output.destination ?? name });
}

interface TextFile {
  readonly name: string;
  readonly text: string;
  readonly contentType: string;
}

async function storeText({ ctx, scratchFolder }: Run, { name, text, contentType }: TextFile): Promise<StoredBlob> {
  const path = join(scratchFolder, name);
  await writeFile(path, text);
  return ctx.blobs.putFile(name, path, { contentType });
}

async function storeModel({ ctx, scratchFolder }: Run, saved: SavedModel): Promise<StoredBlob> {
  const path = join(scratchFolder, MODEL_BLOB);
  await writeJson(path, inFile(saved));
  return ctx.blobs.putFile(MODEL_BLOB, path, { contentType: JSON_TYPE });
}

const HEADLINES = [
  "accuracy",
  "f1_macro",
  "roc_auc",
  "pr_auc",
  "log_loss",
  "rmse",
  "r2",
  "silhouette",
  "clusters",
  "flagged",
  "explained_variance",
];

function headline(metrics: JsonObject): JsonObject {
  return Object.fromEntries(HEADLINES.flatMap((name) => (metrics[name] === undefined ? [] : [[name, metrics[name]]])));
}

const trustOf = ({ saved, calibration, chosen }: Trained): Trust => ({ fittings: saved.fittings, calibration, chosen });
