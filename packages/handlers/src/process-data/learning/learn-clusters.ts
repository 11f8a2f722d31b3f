/** Learns clusters: how many (by option, or by the best silhouette), and where. */
import type { JsonObject } from "@streamer/protocol";
import type { ProcessOptions } from "../options.ts";
import { adjustedRand, clusterShape, silhouette } from "../metrics/clustering.ts";
import { type Clustering, fitKMeans, type Matrix, predictPaced, seededRandom, takeRows } from "../models/index.ts";
import type { Rows } from "../preprocess/load-matrix.ts";
import { unusable } from "../problem.ts";
import { part, type Tell } from "../progress.ts";
import type { FitOnce } from "./finished-fits.ts";

export interface LearnedClusters {
  readonly model: Clustering;
  readonly why: string;
  readonly tried: readonly { readonly clusters: number; readonly silhouette: number }[];
  readonly metrics: JsonObject;
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
  const { options, signal, tell } = terms;
  const asked = options.clusters;
  if (asked !== "auto" && asked > x.rowCount)
    throw unusable(`options.clusters: ${asked} clusters cannot be made of ${x.rowCount} rows; ask for fewer.`);
  const tried = asked === "auto" ? await tryCounts(x, { ...terms, tell: part(tell, 0, 0.6) }) : [];
  const clusters = asked === "auto" ? bestCount(tried) : asked;
  const starts = x.rowCount > MANY_ROWS ? TRIAL_STARTS : STARTS;
  const model = await fit(x, { clusters, starts }, { ...terms, tell: part(tell, asked === "auto" ? 0.6 : 0, 0.9) });
  const codes = await predictPaced(x, (window) => model.assign(window), { signal });
  const sampled = sample(x, codes, SILHOUETTE_ROWS);
  const score = await silhouette(sampled.x, sampled.codes, signal);
  const { daviesBouldin, calinskiHarabasz } = clusterShape(x, codes);
  const labelled = Int32Array.from(y.keys()).filter((row) => Number.isFinite(y[row]));
  return {
    model,
    tried,
    why:
      asked === "auto"
        ? `${clusters} clusters have the highest silhouette of ${tried.map((one) => `${one.clusters} (${one.silhouette.toFixed(3)})`).join(", ")}`
        : `${clusters} clusters were asked for`,
    metrics: {
      rows: x.rowCount,
      clusters,
      inertia: model.inertia,
      silhouette: score,
      silhouette_rows: sampled.codes.length,
      davies_bouldin: daviesBouldin,
      calinski_harabasz: calinskiHarabasz,
      sizes: sizesOf(codes, clusters),
      ...(labelled.length > 0 && {
        adjusted_rand: adjustedRand(
          labelled.map((row) => codes[row]!),
          labelled.map((row) => y[row]!),
        ),
      }),
    },
  };
}

async function tryCounts(x: Matrix, terms: UnsupervisedTerms): Promise<{ clusters: number; silhouette: number }[]> {
  const { signal, tell } = terms;
  const trial = sample(x, new Int32Array(x.rowCount), TRIAL_ROWS).x;
  const most = Math.min(MOST_TRIED, trial.rowCount - 1);
  const tried: { clusters: number; silhouette: number }[] = [];
  for (let clusters = 2; clusters <= most; clusters += 1) {
    const telling = part(tell, (clusters - 2) / (most - 1), (clusters - 1) / (most - 1));
    const model = await fit(trial, { clusters, starts: TRIAL_STARTS }, { ...terms, tell: telling });
    const looked = sample(trial, model.assign(trial), SILHOUETTE_ROWS / 2);
    const score = await silhouette(looked.x, looked.codes, signal);
    telling(1, `${clusters} clusters: silhouette ${score.toFixed(3)}`, { clusters, silhouette: Number.isNaN(score) ? null : score });
    if (!Number.isNaN(score)) tried.push({ clusters, silhouette: score });
  }
  return tried;
}

function bestCount(tried: readonly { clusters: number; silhouette: number }[]): number {
  if (tried.length === 0) throw unusable("The rows are all alike: there are no clusters to find.");
  return tried.reduce((lead, one) => (one.silhouette > lead.silhouette ? one : lead)).clusters;
}

function fit(
  x: Matrix,
  { clusters, starts }: { clusters: number; starts: number },
  { options, signal, tell, fitOnce }: UnsupervisedTerms,
): Promise<Clustering> {
  const { max_iterations, seed } = options;
  const kMeans = { clusters, starts, ...(max_iterations && { maxIterations: max_iterations }) };
  return fitOnce(`${clusters}-clusters-of-${x.rowCount}`, () => fitKMeans(x, kMeans, { signal, tell, random: seededRandom(seed) }));
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
