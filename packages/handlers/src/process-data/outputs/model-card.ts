/** The model card (Mitchell et al. 2019): what was learned from what, how, and how well; enough to do it again. */
import type { JsonObject } from "@streamer/protocol";
import { version } from "@duckdb/node-api";
import { MODEL_BLOB } from "../learning/saved-model.ts";
import { keptFeatures } from "../preprocess/recipe.ts";
import type { Run } from "../run.ts";
import type { Finished } from "../stages/postprocess.ts";
import { readAs } from "./read-as.ts";
import { importances, permutationTerms } from "./importances.ts";
import { runWarnings } from "./run-warnings.ts";

/** Raised when the same request would give another result. */
const PIPELINE_VERSION = 1;

export function modelCard({ input, ctx, progress }: Run, finished: Finished, metrics: JsonObject): JsonObject {
  const { ingested, preprocessed, prepared, trained } = finished;
  const { saved } = trained;
  const { options, ...request } = input;
  return {
    warnings: runWarnings(finished).map((one) => ({ ...one })),
    model: {
      name: saved.name,
      pipeline: saved.pipeline,
      file: MODEL_BLOB,
      model_id: options.model_id ?? ctx.request.id,
      trained_at: saved.trainedAt,
    },
    choice: { why: trained.why, tried: [...trained.tried] },
    data: {
      fingerprint: ingested.fingerprint,
      trained_on: saved.fingerprint,
      rows: ingested.rows,
      bytes: ingested.bytes,
      columns: ingested.columns.map(({ name, type }) => ({ name, type })),
      bad_rows: { count: ingested.badRows.count, samples: [...ingested.badRows.samples] },
      duplicates: preprocessed.clean.duplicates,
      missing_target: preprocessed.clean.missingTarget,
      parts: [...preprocessed.clean.parts],
      share_learned_from: trained.share,
      ...readAs(finished),
    },
    columns: {
      dropped: preprocessed.columns.dropped
        .concat(prepared.recipe.dropped.filter((one) => !preprocessed.columns.dropped.includes(one)))
        .map((one) => ({ ...one })),
      unreadable_cells: { ...preprocessed.columns.unreadable },
    },
    features: {
      names: keptFeatures(prepared.recipe).map(({ name }) => name),
      derived: [...prepared.derived],
      ...(prepared.selection && { selection: prepared.selection.scores.map((one) => ({ ...one })) }),
      importances: importances(trained.model, prepared.recipe, trained.permutation),
      ...permutationTerms(trained.permutation),
    },
    metrics,
    request: request,
    options,
    seed: options.seed,
    versions: { pipeline: PIPELINE_VERSION, duckdb: version(), node: process.version },
    timings: progress.timings(),
  };
}
