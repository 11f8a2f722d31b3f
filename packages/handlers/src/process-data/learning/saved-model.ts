/**
 * A trained model as a file: everything that turns a table of the same columns into predictions, and nothing of the rows
 * it came from but category names and statistics. `options.model_id` names the request that made it.
 */
import type { Decision, IntervalBand, ModelJson } from "@streamer/models";
import type { HandlerContext } from "@streamer/core";
import type { Pipeline } from "../input.ts";
import type { UsualValues } from "./usual-values.ts";
import type { ModelName } from "../options.ts";
import type { ColumnProfile } from "../preprocess/profile.ts";
import type { Reading } from "../preprocess/reading.ts";
import type { Recipe } from "../preprocess/recipe.ts";
import type { Target } from "../preprocess/target.ts";
import { invalid } from "../problem.ts";

export const MODEL_BLOB = "model.json";
/** Raised when an earlier model would be misread. */
const FORMAT = 2;

/** What is fitted beside the model, by pipeline. */
export interface Fittings {
  /** Classification: how probabilities decide; of two classes the code of the one that is looked for. */
  readonly decision?: Decision | undefined;
  readonly positive?: number | undefined;
  /** Regression. */
  readonly intervals?: IntervalBand | undefined;
  /** Anomaly: the score from which a row counts as anomalous, and quantiles of the training scores for confidences. */
  readonly threshold?: number | undefined;
  readonly quantiles?: readonly number[] | undefined;
  /** Anomaly: what is usual, to say what is not. */
  readonly usual?: UsualValues | undefined;
  /** Classes that are anomalies, when there was a label to learn that from. */
  readonly anomalousClass?: string | undefined;
}

export interface SavedModel {
  readonly pipeline: Pipeline;
  readonly name: ModelName;
  readonly target: Target | undefined;
  readonly recipe: Recipe;
  /** How each column of the recipe is read. */
  readonly readings: Readonly<Record<string, Reading>>;
  /** What the rows of training were like. */
  readonly profile: readonly ColumnProfile[];
  readonly fittings: Fittings;
  /** The model's own JSON, absent for a transformation without one. */
  readonly model: ModelJson | undefined;
  readonly seed: number;
  readonly fingerprint: string;
  /** ISO 8601. */
  readonly trainedAt: string;
}

/** What the file says: the model, and how it is to be read. */
export const inFile = (saved: SavedModel): SavedModel & { readonly format: number } => ({ format: FORMAT, ...saved });

/** The model an earlier request of the same user saved. */
export async function openSaved(blobs: HandlerContext["blobs"], modelId: string, pipeline: Pipeline): Promise<SavedModel> {
  const field = "options.model_id";
  const opened = await blobs.open(MODEL_BLOB, { requestId: modelId });
  if (!opened) {
    throw invalid(
      field,
      `your request "${modelId}" has no saved model. Give the id of a process_data request that trained one and whose retention has not ended`,
    );
  }
  const saved = JSON.parse(await new Response(opened.body).text()) as SavedModel & { readonly format: number };
  if (saved.format !== FORMAT)
    throw invalid(
      field,
      `the model of "${modelId}" is of format ${saved.format}, and this server reads ${FORMAT}, which says how each column is read; train it again`,
    );
  if (saved.pipeline !== pipeline) throw invalid("pipeline", `the model of "${modelId}" is of pipeline ${saved.pipeline}, not ${pipeline}`);
  return saved;
}
