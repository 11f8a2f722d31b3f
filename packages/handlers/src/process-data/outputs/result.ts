/** What a run answers: a link to every row's prediction, the metrics, and what was done to get there. */
import type { StoredBlob } from "@streamer/core";
import type { JsonObject } from "@streamer/protocol";
import { keptFeatures } from "../preprocess/recipe.ts";
import type { ProcessResult } from "../process-result.ts";
import type { Run } from "../run.ts";
import type { Finished } from "../stages/postprocess.ts";
import { readAs } from "./read-as.ts";
import { importances, permutationTerms } from "./importances.ts";
import { runWarnings } from "./run-warnings.ts";
import { finite } from "./supervised-metrics.ts";

export interface ResultParts extends Finished {
  readonly metrics: JsonObject;
  readonly preview: readonly JsonObject[];
  readonly stored: { readonly output: StoredBlob; readonly card: StoredBlob; readonly report: StoredBlob; readonly model?: StoredBlob };
  readonly rows: number;
}

/** Columns whose importance is shown; all are in the card. */
const MOST_IMPORTANCES = 20;

export function processResult({ input, ctx, progress }: Run, parts: ResultParts): ProcessResult {
  const { ingested, preprocessed, prepared, trained, metrics, preview, stored, rows } = parts;
  const { saved } = trained;
  const scored = input.options.model_id;
  return finite({
    pipeline: input.pipeline,
    warnings: runWarnings(parts),
    url: stored.output.url,
    expires_at: stored.output.expiresAt,
    size_bytes: stored.output.sizeBytes,
    format: input.output.format,
    rows,
    summary: `${rows.toLocaleString("en-US")} rows by ${saved.name}: ${trained.why}.`,
    metrics,
    model: {
      name: saved.name,
      model_id: scored ?? ctx.request.id,
      why: trained.why,
      tried: [...trained.tried],
      share_learned_from: trained.share,
      card_url: stored.card.url,
      card_expires_at: stored.card.expiresAt,
      report_url: stored.report.url,
      report_expires_at: stored.report.expiresAt,
      ...(stored.model && { url: stored.model.url, url_expires_at: stored.model.expiresAt, size_bytes: stored.model.sizeBytes }),
    },
    features: {
      count: keptFeatures(prepared.recipe).length,
      importances: importances(trained.model, prepared.recipe, trained.permutation).slice(0, MOST_IMPORTANCES),
      ...permutationTerms(trained.permutation),
      derived: prepared.derived.length,
      ...(prepared.selection && { selection: prepared.selection.scores.slice(0, MOST_IMPORTANCES).map((one) => ({ ...one })) }),
    },
    data: {
      rows: ingested.rows,
      bytes: ingested.bytes,
      bad_rows: ingested.badRows.count,
      bad_row_samples: [...ingested.badRows.samples],
      duplicates: preprocessed.clean.duplicates,
      missing_target: preprocessed.clean.missingTarget,
      dropped_columns: prepared.recipe.dropped
        .concat(preprocessed.columns.dropped.filter((one) => !prepared.recipe.dropped.includes(one)))
        .map((one) => ({ ...one })),
      unreadable_cells: { ...preprocessed.columns.unreadable },
      ...readAs(parts),
      fingerprint: ingested.fingerprint,
    },
    preview: [...preview],
    timings: progress.timings(),
  }) as ProcessResult;
}
