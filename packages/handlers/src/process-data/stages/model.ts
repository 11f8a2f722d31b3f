/** Stage 4: a model is learned, or an earlier one taken. Its state is the trained model itself: nothing heavier is redone. */
import {
  type Calibration,
  fitPrincipalComponents,
  type Model,
  type ModelJson,
  packNumbers,
  type Projection,
  restoreModel,
  seededRandom,
  unpackFloats,
  unpackInts,
} from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import type { Database } from "../../duckdb/database.ts";
import { trainingMatrix, type Prepared } from "../features/prepare.ts";
import { createFitOnce, type FitOnce } from "../learning/finished-fits.ts";
import { learnAnomalies } from "../learning/learn-anomalies.ts";
import { learnClusters } from "../learning/learn-clusters.ts";
import { learnSupervised } from "../learning/learn-supervised.ts";
import type { HeldOut } from "../learning/trust.ts";
import { idWarnings } from "../learning/id-columns.ts";
import type { Permutation } from "../learning/permutation.ts";
import type { SavedModel } from "../learning/saved-model.ts";
import { usualValues } from "../learning/usual-values.ts";
import type { ModelName } from "../options.ts";
import { profileOf } from "../preprocess/profile.ts";
import { keptFeatures } from "../preprocess/recipe.ts";
import type { Warning } from "../../warnings.ts";
import { part, type Tell } from "../progress.ts";
import type { Run } from "../run.ts";
import type { StageStore } from "../stage-store.ts";
import type { Ingested } from "./ingest.ts";
import { finalRows, type Preprocessed } from "./preprocess.ts";

/** Of the stage: what loading the rows takes beside learning. */
const LOADING_SHARE = 0.1;

export interface Trained {
  readonly saved: SavedModel;
  readonly model: Model | undefined;
  readonly why: string;
  readonly tried: readonly JsonObject[];
  /** Of the rows learned from, where there is no target to hold out. */
  readonly metrics: JsonObject;
  readonly calibration?: Calibration | undefined;
  /** What a threshold gives on the rows it was chosen on. */
  readonly chosen?: JsonObject | undefined;
  readonly heldOut?: HeldOut | undefined;
  /** Part of the training rows learned from. */
  readonly share: number;
  /** What each column is worth on held-out rows. */
  readonly permutation?: Permutation | undefined;
  /** What learning found that a person should know. */
  readonly warnings: readonly Warning[];
}

export interface ModelTerms {
  readonly ingested: Ingested;
  readonly preprocessed: Preprocessed;
  readonly prepared: Prepared;
  readonly stages: StageStore;
}

type Stored = Omit<Trained, "model" | "heldOut"> & { readonly heldOut?: ModelJson };

export async function trainModel(database: Database, run: Run, terms: ModelTerms): Promise<Trained> {
  const tell = run.progress.stage("model");
  const earlier = await terms.stages.load<Stored>(4);
  if (earlier) {
    tell(1, `The ${earlier.saved.name} model taken over from an earlier attempt`);
    const { heldOut, ...rest } = earlier;
    const model = earlier.saved.model && restoreModel(earlier.saved.model);
    return { ...rest, model, ...(heldOut && { heldOut: unpackHeldOut(heldOut) }) };
  }
  const trained = await train(database, run, { ...terms, tell });
  const { model: _, heldOut, ...rest } = trained;
  await terms.stages.finish(4, { ...rest, ...(heldOut && { heldOut: packHeldOut(heldOut) }) } satisfies Stored);
  tell(1, trained.why, { model: trained.saved.name });
  return trained;
}

type Fit = Omit<Trained, "saved" | "warnings"> & {
  readonly warnings?: readonly Warning[];
  readonly name: ModelName;
  readonly fittings: SavedModel["fittings"];
};

async function train(
  database: Database,
  run: Run,
  { ingested, preprocessed, prepared, stages, tell }: ModelTerms & { readonly tell: Tell },
): Promise<Trained> {
  const { input } = run;
  const { name, fittings, ...fit } = await fitPipeline(database, run, {
    preprocessed,
    prepared,
    tell,
    fitOnce: createFitOnce({ stages, fingerprint: ingested.fingerprint, fromMs: run.settings.keepFitsFromMs }),
  });
  const { recipe } = prepared;
  const used = preprocessed.columns.inputs.filter(({ name: column }) => recipe.inputs.some((one) => one.column === column));
  const saved: SavedModel = {
    pipeline: input.pipeline,
    name,
    target: preprocessed.target,
    recipe,
    readings: Object.fromEntries(used.map(({ name: column, reading }) => [column, reading])),
    profile: await profileOf(database, { columns: used, where: "part >= 0" }),
    fittings,
    model: fit.model?.toJSON(),
    seed: input.options.seed,
    fingerprint: ingested.fingerprint,
    trainedAt: new Date().toISOString(),
  };
  const ids = await idWarnings(database, preprocessed.columns.inputs);
  return { saved, ...fit, warnings: [...ids, ...(fit.warnings ?? [])] };
}

async function fitPipeline(
  database: Database,
  run: Run,
  {
    preprocessed,
    prepared,
    tell,
    fitOnce,
  }: Pick<ModelTerms, "preprocessed" | "prepared"> & { readonly tell: Tell; readonly fitOnce: FitOnce },
): Promise<Fit> {
  const { input, ctx } = run;
  const { target, columns } = preprocessed;
  const { options, pipeline } = input;
  const { signal } = ctx;
  if (target && (pipeline === "classification" || pipeline === "regression")) {
    const learned = await learnSupervised(database, prepared, { input, inputs: columns.inputs, target, signal, tell, fitOnce });
    return { ...learned, tried: learned.tried.map((one) => ({ ...one })), metrics: {} };
  }
  const rows = await trainingMatrix(database, prepared, {
    target,
    where: finalRows(run),
    maxCells: options.max_training_cells,
    tell: (done) => tell(LOADING_SHARE * done, `Rows loaded: ${Math.round(100 * done)} %`),
  });
  const { share } = rows;
  const fitting = part(tell, LOADING_SHARE, 1);
  if (pipeline === "clustering") {
    const { tried, ...learned } = await learnClusters(rows, { options, signal, tell: fitting, fitOnce });
    return { ...learned, tried: tried.map((one) => ({ ...one })), fittings: {}, share };
  }
  if (pipeline === "anomaly") {
    const { tried, fittings, ...learned } = await learnAnomalies(rows, { options, signal, tell: fitting, target, fitOnce });
    const usual = await usualValues(database, rows.x, { recipe: prepared.recipe, inputs: columns.inputs, where: finalRows(run) });
    return { ...learned, fittings: { ...fittings, usual }, tried: tried.map((one) => ({ ...one })), share };
  }
  if (options.model === "none") {
    const features = keptFeatures(prepared.recipe).length;
    return {
      name: "none",
      model: undefined,
      why: "the prepared features themselves were asked for",
      tried: [],
      metrics: { features },
      fittings: {},
      share,
    };
  }
  const components = Math.min(options.components, rows.x.columns.length);
  const context = { signal, tell: fitting, random: seededRandom(options.seed) };
  const model = await fitPrincipalComponents(rows.x, { components }, context);
  const ratios = Array.from(model.explainedVarianceRatios);
  const explained = ratios.reduce((sum, ratio) => sum + ratio, 0);
  return {
    name: "pca",
    model,
    why: `${components} principal components keep ${(100 * explained).toFixed(1)} % of the variance of ${rows.x.columns.length} features`,
    tried: [],
    metrics: {
      rows: rows.x.rowCount,
      components,
      explained_variance_ratios: ratios,
      explained_variance: explained,
      loadings: loadingsOf(model, rows.x.names),
    },
    fittings: {},
    share,
  };
}

const MOST_LOADINGS = 20;

/** The features each component is made of, the heaviest first. */
function loadingsOf({ componentCount, weights }: Projection, names: readonly string[]): JsonObject[] {
  return Array.from({ length: componentCount }, (_, component) => {
    const own = names.map((feature, at) => ({ feature, loading: weights[component * names.length + at]! }));
    return {
      component: `pc${component + 1}`,
      features: own.toSorted((a, b) => Math.abs(b.loading) - Math.abs(a.loading)).slice(0, MOST_LOADINGS),
    };
  });
}

function packHeldOut({ rows, y, predicted, fold, codes, halfWidth }: HeldOut): ModelJson {
  return {
    rows: packNumbers(rows),
    y: packNumbers(y),
    predicted: packNumbers(predicted),
    ...(fold && { fold: packNumbers(fold) }),
    ...(codes && { codes: packNumbers(codes) }),
    ...(halfWidth && { halfWidth: packNumbers(halfWidth) }),
  };
}

function unpackHeldOut(json: ModelJson): HeldOut {
  return {
    rows: unpackInts(json, "rows"),
    y: unpackFloats(json, "y"),
    predicted: unpackFloats(json, "predicted"),
    ...(json.fold !== undefined && { fold: unpackInts(json, "fold") }),
    ...(json.codes !== undefined && { codes: unpackInts(json, "codes") }),
    ...(json.halfWidth !== undefined && { halfWidth: unpackFloats(json, "halfWidth") }),
  };
}
