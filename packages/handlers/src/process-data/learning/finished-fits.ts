/**
 * Fits that take long leave their model for the next attempt, one by one: after a crash in the middle of the model stage
 * only the fit that was under way is done again. A fit is the same for the same rows, options and seed, so a restored
 * model is the one that would have been fitted.
 */
import { type Model, type ModelJson, restoreModel } from "@streamer/models";
import type { StageStore } from "../stage-store.ts";

/** `name` tells one fit of a run from all others. */
export type FitOnce = <Fitted extends Model>(name: string, fit: () => Promise<Fitted> | Fitted) => Promise<Fitted>;

type Kept = { readonly fingerprint: string; readonly model: ModelJson };

export interface FitOnceParts {
  readonly stages: Pick<StageStore, "loadPart" | "keepPart">;
  /** Of the rows, in case a source was read again and is another. */
  readonly fingerprint: string;
  /** Fits that took this long are kept. */
  readonly fromMs: number;
}

export function createFitOnce({ stages, fingerprint, fromMs }: FitOnceParts): FitOnce {
  return async <Fitted extends Model>(name: string, fit: () => Promise<Fitted> | Fitted): Promise<Fitted> => {
    const kept = await stages.loadPart<Kept>(`fit-${name}`);
    if (kept?.fingerprint === fingerprint) return restoreModel(kept.model) as Fitted;
    const startedAt = performance.now();
    const fitted = await fit();
    if (performance.now() - startedAt >= fromMs) {
      await stages.keepPart(`fit-${name}`, { fingerprint, model: fitted.toJSON() } satisfies Kept);
    }
    return fitted;
  };
}
