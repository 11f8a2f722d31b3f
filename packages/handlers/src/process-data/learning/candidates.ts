/** Which models are tried, and what the choice among them rests on. */
import { MODELS, type ModelName } from "../options.ts";
import type { ProcessInput } from "../input.ts";

/** Rows times features up to which the forest is tried too: beyond, it costs more than both others. */
const FOREST_CELLS = 1_000_000;

export interface Tried {
  readonly model: ModelName;
  readonly loss: number;
}

/** At least one simple and one strong model for "auto"; the one that was asked for otherwise. */
export function candidateModels({ pipeline, options }: ProcessInput, cells: number): readonly ModelName[] {
  if (options.model !== "auto") return [options.model];
  return MODELS[pipeline].filter((name) => name !== "forest" || cells <= FOREST_CELLS);
}

/** The lowest loss; of equals the simpler, which comes first. */
export function best<T extends Tried>(tried: readonly T[]): T {
  return tried.reduce((lead, one) => (one.loss < lead.loss || Number.isNaN(lead.loss) ? one : lead));
}

export function whyChosen(tried: readonly Tried[], metric: string, where: string): string {
  const chosen = best(tried);
  const others = tried.filter((one) => one !== chosen);
  if (others.length === 0) return `${chosen.model} was asked for; its ${metric} on ${where} is ${short(chosen.loss)}`;
  return `${chosen.model} has the lowest ${metric} on ${where}: ${short(chosen.loss)}, against ${others.map(({ model, loss }) => `${short(loss)} of ${model}`).join(" and ")}`;
}

const short = (value: number): string => value.toPrecision(4);
