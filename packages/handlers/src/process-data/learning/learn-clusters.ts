/** Learns clusters: how many (by option, or by the best silhouette), by which model, and where. */
import {
  adjustedRand,
  type Clustering,
  clusterShape,
  fitKMeans,
  fitSlices,
  type Matrix,
  predictPaced,
  seededRandom,
  silhouette,
  takeRows,
} from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import { MODELS, type ModelName, type ProcessOptions } from "../options.ts";
import type { Rows } from "../preprocess/load-matrix.ts";
import { unusable } from "../problem.ts";
import { part, type Tell } from "../progress.ts";
import type { FitOnce } from "./finished-fits.ts";

export interface LearnedClusters {
  readonly name: ModelName;
  readonly model: Clustering;
  readonly why: string;
  readonly tried: readonly TriedClusters[];
  readonly metrics: JsonObject;
}

/** Of the silhouettes of a model and a number of clusters, on a sample. */
interface TriedClusters {
  readonly model: ModelName;
  readonly clusters: number;
  readonly silhouette: number;
}

export interface UnsupervisedTerms {
  readonly options: ProcessOptions;
  readonly signal: AbortSignal;
  readonly tell: Tell;
  readonly fitOnce: FitOnce;
}

/** "auto" tries 2 to so many. */
const MOST_TRIED = 10;
/** Rows that "auto" tries on. */
const TRIAL_ROWS = 10_000;
/** The silhouette looks at every pair of rows: 25 million distances. */
const SILHOUETTE_ROWS = 5_000;
const TRIAL_STARTS = 3;
const STARTS = 10;
/** Rows from which fewer starts have to do: each passes over all rows many times. */
const MANY_ROWS = 200_000;

export async function learnClusters({ x, y }: Rows, terms: UnsupervisedTerms): Promise<LearnedClusters> {
  const { options, tell } = terms;
  const asked = options.clusters;
  if (asked !== "auto" && asked > x.rowCount)
    throw unusable(`options.clusters: ${asked} clusters cannot be made of ${x.rowCount} rows; ask for fewer.`);
  const names = options.model === "auto" ? MODELS.clustering : [options.model];
  const countedBy = names.at(-1)!;
  const counts = asked === "auto" ? await tryCounts(x, countedBy, { ...terms, tell: part(tell, 0, 0.6) }) : [];
  const clusters = asked === "auto" ? best(counts).clusters : asked;
  const fitting = part(tell, asked === "auto" ? 0.6 : 0, 1);
  const fits: FittedClusters[] = [];
  for (const [index, name] of names.entries()) {
    const own = part(fitting, index / names.length, (index + 1) / names.length);
    fits.push(await fitAndMeasure(name, x, clusters, { ...terms, tell: own }));
  }
  const chosen = best(fits);
  return {
    name: chosen.model,
    model: chosen.fitted,
    tried: [...counts, ...(fits.length > 1 ? fits.map(triedOf) : [])],
    why: `${whyModel(fits)}; ${whyCount(counts, clusters)}`,
    metrics: metricsOf({ x, y }, chosen),
  };
}

const triedOf = ({ model, clusters, silhouette: score }: FittedClusters): TriedClusters => ({ model, clusters, silhouette: score });

interface FittedClusters extends TriedClusters {
  readonly fitted: Clustering;
  readonly codes: Int32Array;
  readonly silhouetteRows: number;
}

async function fitAndMeasure(model: ModelName, x: Matrix, clusters: number, terms: UnsupervisedTerms): Promise<FittedClusters> {
  const { signal, tell } = terms;
  const starts = x.rowCount > MANY_ROWS ? TRIAL_STARTS : STARTS;
  const named: Tell = (done, message) => tell(0.9 * done, `${model}: ${message}`);
  const fitted = await fit(model, x, { clusters, starts }, { ...terms, tell: named });
  const codes = await predictPaced(x, (window) => fitted.assign(window), { signal });
  const sampled = sample(x, codes, SILHOUETTE_ROWS);
  const score = await silhouette(sampled.x, sampled.codes, signal);
  return { model, clusters: fitted.clusterCount, silhouette: score, fitted, codes, silhouetteRows: sampled.codes.length };
}

function metricsOf({ x, y }: Pick<Rows, "x" | "y">, chosen: FittedClusters): JsonObject {
  const { codes, clusters, fitted } = chosen;
  const { daviesBouldin, calinskiHarabasz } = clusterShape(x, codes);
  const labelled = Int32Array.from(y.keys()).filter((row) => Number.isFinite(y[row]));
  return {
    rows: x.rowCount,
    clusters,
    inertia: fitted.inertia,
    silhouette: chosen.silhouette,
    silhouette_rows: chosen.silhouetteRows,
    davies_bouldin: daviesBouldin,
    calinski_harabasz: calinskiHarabasz,
    sizes: sizesOf(codes, clusters),
    ...(labelled.length > 0 && {
      adjusted_rand: adjustedRand(
        labelled.map((row) => codes[row]!),
        labelled.map((row) => y[row]!),
      ),
    }),
  };
}

async function tryCounts(x: Matrix, model: ModelName, terms: UnsupervisedTerms): Promise<readonly TriedClusters[]> {
  const { signal, tell } = terms;
  const trial = sample(x, new Int32Array(x.rowCount), TRIAL_ROWS).x;
  const most = Math.min(MOST_TRIED, trial.rowCount - 1);
  const tried: TriedClusters[] = [];
  for (let clusters = 2; clusters <= most; clusters += 1) {
    const telling = part(tell, (clusters - 2) / (most - 1), (clusters - 1) / (most - 1));
    const fitted = await fit(model, trial, { clusters, starts: TRIAL_STARTS }, { ...terms, tell: telling });
    const looked = sample(trial, fitted.assign(trial), SILHOUETTE_ROWS / 2);
    const score = await silhouette(looked.x, looked.codes, signal);
    telling(1, `${clusters} clusters: silhouette ${score.toFixed(3)}`, { clusters, silhouette: Number.isNaN(score) ? null : score });
    if (!Number.isNaN(score)) tried.push({ model, clusters, silhouette: score });
  }
  if (tried.length === 0) throw unusable("The rows are all alike: there are no clusters to find.");
  return tried;
}

/** The highest silhouette; of equals the first, which is the simpler. */
function best<T extends TriedClusters>(tried: readonly T[]): T {
  return tried.reduce((lead, one) => (one.silhouette > lead.silhouette || Number.isNaN(lead.silhouette) ? one : lead));
}

function whyModel(fits: readonly TriedClusters[]): string {
  const chosen = best(fits);
  const others = fits.filter((one) => one !== chosen);
  if (others.length === 0) return `${chosen.model} was asked for`;
  return `${chosen.model} has a silhouette of ${chosen.silhouette.toFixed(3)}, against ${others.map((one) => `${one.silhouette.toFixed(3)} of ${one.model}`).join(" and ")}`;
}

function whyCount(counts: readonly TriedClusters[], clusters: number): string {
  if (counts.length === 0) return `${clusters} clusters were asked for`;
  return `${clusters} clusters have the highest silhouette of ${counts.map((one) => `${one.clusters} (${one.silhouette.toFixed(3)})`).join(", ")}`;
}

function fit(
  name: ModelName,
  x: Matrix,
  { clusters, starts }: { clusters: number; starts: number },
  { options, signal, tell, fitOnce }: UnsupervisedTerms,
): Promise<Clustering> {
  const { max_iterations, seed } = options;
  const context = { signal, tell, random: seededRandom(seed) };
  return fitOnce(`${name}-${clusters}-clusters-of-${x.rowCount}`, () => {
    if (name === "baseline") return fitSlices(x, { clusters }, context);
    return fitKMeans(x, { clusters, starts, ...(max_iterations && { maxIterations: max_iterations }) }, context);
  });
}

/** Every so many-th row: the order of a file is no order of its clusters' rows alone, and no chance is spent. */
function sample(x: Matrix, codes: Int32Array, most: number): { x: Matrix; codes: Int32Array } {
  const stride = Math.ceil(x.rowCount / most);
  if (stride === 1) return { x, codes };
  const rows = Int32Array.from({ length: Math.ceil(x.rowCount / stride) }, (_, index) => index * stride);
  return { x: takeRows(x, rows), codes: rows.map((row) => codes[row]!) };
}

function sizesOf(codes: Int32Array, clusters: number): number[] {
  const sizes = Array.from({ length: clusters }, () => 0);
  for (const code of codes) sizes[code]! += 1;
  return sizes;
}
