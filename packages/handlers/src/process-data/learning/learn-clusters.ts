/** Learns clusters: how many (by option, or by the best silhouette), by which model, and where. */
import {
  adjustedRand,
  type Clustering,
  clusterShape,
  countDistinctPoints,
  fitKMeans,
  fitSlices,
  type Matrix,
  predictPaced,
  sampleWithoutReplacement,
  seededRandom,
  silhouette,
  takeRows,
} from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import { MODELS, type ModelName, type ProcessOptions } from "../options.ts";
import type { Rows } from "../preprocess/load-matrix.ts";
import { unusable } from "../problem.ts";
import { CLUSTER_TRIALS_COST, fitCost } from "../costs.ts";
import { part, partsByCost, type Tell } from "../progress.ts";
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
  await refuseTooAlike(x, asked, terms.signal);
  const names = options.model === "auto" ? MODELS.clustering : [options.model];
  const countedBy = names.at(-1)!;
  const size = { rows: x.rowCount, columns: x.columns.length };
  const costs = names.map((name) => fitCost(name, size, { pipeline: "clustering", options }));
  const [trying, ...fitting] = partsByCost(tell, [asked === "auto" ? CLUSTER_TRIALS_COST : 0, ...costs]) as [Tell, ...Tell[]];
  const counts = asked === "auto" ? await tryCounts(x, countedBy, { ...terms, tell: trying }) : [];
  const clusters = asked === "auto" ? best(counts).clusters : asked;
  const fits: FittedClusters[] = [];
  for (const [index, name] of names.entries()) {
    fits.push(await fitAndMeasure(name, x, clusters, { ...terms, tell: fitting[index]! }));
  }
  const chosen = best(withAskedCount(fits, asked));
  return {
    name: chosen.model,
    model: chosen.fitted,
    tried: [...counts, ...(fits.length > 1 ? fits.map(triedOf) : [])],
    why: `${whyModel(fits, chosen)}; ${whyCount(counts, { wanted: clusters, made: chosen.clusters })}`,
    metrics: metricsOf({ x, y }, chosen),
  };
}

/** More clusters than different points would have clusters without rows. */
async function refuseTooAlike(x: Matrix, asked: number | "auto", signal: AbortSignal): Promise<void> {
  const least = asked === "auto" ? 2 : asked;
  const points = await countDistinctPoints(x, least, signal);
  if (points >= least) return;
  if (points === 1) throw unusable(`The ${x.rowCount} rows are all alike in their features: there are no clusters to find.`);
  throw unusable(
    `options.clusters: ${asked} clusters cannot be made of ${x.rowCount} rows that hold only ${points} different points (rows that are equal in all features are one). Ask for at most ${points}, or for "auto".`,
  );
}

/** Those with as many clusters as were asked for, where there are such: a baseline may make fewer. */
function withAskedCount(fits: readonly FittedClusters[], asked: number | "auto"): readonly FittedClusters[] {
  const exact = fits.filter(({ clusters }) => clusters === asked);
  return exact.length > 0 ? exact : fits;
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
  const sampled = sample({ x, codes }, SILHOUETTE_ROWS, terms.options.seed);
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
  const { seed } = terms.options;
  const trial = sample({ x, codes: new Int32Array(x.rowCount) }, TRIAL_ROWS, seed).x;
  // One more cluster than there are points would be one without rows; as many as rows have no silhouette.
  const most = Math.min(await countDistinctPoints(trial, MOST_TRIED, signal), trial.rowCount - 1);
  const tried: TriedClusters[] = [];
  for (let clusters = 2; clusters <= most; clusters += 1) {
    const telling = part(tell, (clusters - 2) / (most - 1), (clusters - 1) / (most - 1));
    const fitted = await fit(model, trial, { clusters, starts: TRIAL_STARTS }, { ...terms, tell: telling });
    const looked = sample({ x: trial, codes: fitted.assign(trial) }, SILHOUETTE_ROWS / 2, seed);
    const score = await silhouette(looked.x, looked.codes, signal);
    telling(1, `${clusters} clusters: silhouette ${score.toFixed(3)}`, { clusters, silhouette: Number.isNaN(score) ? null : score });
    if (!Number.isNaN(score)) tried.push({ model, clusters, silhouette: score });
  }
  if (tried.length === 0)
    throw unusable("Too many of the rows are alike: there are no clusters to find. Ask for a number of them in options.clusters.");
  return tried;
}

/** The highest silhouette; of equals the first, which is the simpler. */
function best<T extends TriedClusters>(tried: readonly T[]): T {
  return tried.reduce((lead, one) => (one.silhouette > lead.silhouette || Number.isNaN(lead.silhouette) ? one : lead));
}

function whyModel(fits: readonly TriedClusters[], chosen: TriedClusters): string {
  const others = fits.filter((one) => one !== chosen);
  if (others.length === 0) return `${chosen.model} was asked for`;
  const against = others.map((one) => {
    const fewer = one.clusters === chosen.clusters ? "" : `, which made ${one.clusters} clusters`;
    return `${one.silhouette.toFixed(3)} of ${one.model}${fewer}`;
  });
  return `${chosen.model} has a silhouette of ${chosen.silhouette.toFixed(3)}, against ${against.join(" and ")}`;
}

function whyCount(counts: readonly TriedClusters[], { wanted, made }: { readonly wanted: number; readonly made: number }): string {
  const fewer = made === wanted ? "" : `, and ${made} have rows`;
  if (counts.length === 0) return `${wanted} clusters were asked for${fewer}`;
  return `${wanted} clusters${fewer} have the highest silhouette of ${counts.map((one) => `${one.clusters} (${one.silhouette.toFixed(3)})`).join(", ")}`;
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

/** By chance, with a source of its own: every so many-th row would be of one kind where kinds take turns. */
function sample(
  { x, codes }: { readonly x: Matrix; readonly codes: Int32Array },
  most: number,
  seed: number,
): { x: Matrix; codes: Int32Array } {
  if (x.rowCount <= most) return { x, codes };
  const rows = sampleWithoutReplacement(seededRandom(seed), most, x.rowCount);
  return { x: takeRows(x, rows), codes: rows.map((row) => codes[row]!) };
}

function sizesOf(codes: Int32Array, clusters: number): number[] {
  const sizes = Array.from({ length: clusters }, () => 0);
  for (const code of codes) sizes[code]! += 1;
  return sizes;
}
