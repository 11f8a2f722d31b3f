/**
 * Histogram gradient boosting (Friedman 2001 with the binning of LightGBM, Ke et al. 2017): each round adds trees that
 * step down the loss's second-order approximation. Missing values are welcome: each split says where they go.
 */
import { binMatrix } from "./binned-matrix.ts";
import { binomialLoss, multinomialLoss, squaredLoss, type BoostingLoss } from "./boosting-loss.ts";
import { BoostingTreeGrower } from "./boosting-tree.ts";
import { sigmoids, softmaxes } from "../linear/logistic.ts";
import { takeRows, type Matrix } from "../matrix.ts";
import type { ClassWeighting, Classifier, FitContext, Labels, Regressor, RowWeighting } from "../model.ts";
import { paced, type Steps } from "../pacing.ts";
import { type ModelJson, packNumbers, readCount, unpackFloats } from "../packing.ts";
import { sampleWithoutReplacement } from "../random.ts";
import { firstTrees, forEachTree, treesFromJson, treesToJson, TreeWriter, type TreeTable } from "./tree-table.ts";
import { assertUsable } from "../usable.ts";
import { rowWeightsOf } from "../weights.ts";

export interface BoostingOptions extends RowWeighting {
  /** Default 100; each adds one tree, or one a class if there are more than two. */
  readonly rounds?: number | undefined;
  /** Default 0.1. */
  readonly learningRate?: number | undefined;
  /** Default 31. */
  readonly maxLeaves?: number | undefined;
  readonly maxDepth?: number | undefined;
  /** Default 20. */
  readonly minLeafRows?: number | undefined;
  /** Up to 255, the default. */
  readonly maxBins?: number | undefined;
  /** Default 0. */
  readonly l2?: number | undefined;
  /** Holds rows back and stops once their loss has not fallen for `patience` rounds; the best round's model is kept. */
  readonly earlyStopping?: { readonly validationShare: number; readonly patience: number } | undefined;
}

export type BoostingClassifierOptions = BoostingOptions & ClassWeighting;

export async function fitBoostingClassifier(
  x: Matrix,
  labels: Labels,
  options: BoostingClassifierOptions,
  context: FitContext,
): Promise<Classifier> {
  const weights = rowWeightsOf(labels, options);
  const loss = labels.classCount === 2 ? binomialLoss(labels, weights) : multinomialLoss(labels, weights);
  const boosted = await paced(boostingSteps(x, loss, options, context), context.signal);
  return boostingClassifier(boosted, labels.classCount);
}

export async function fitBoostingRegressor(
  x: Matrix,
  target: Float64Array,
  options: BoostingOptions,
  context: FitContext,
): Promise<Regressor> {
  const boosted = await paced(boostingSteps(x, squaredLoss(target, options.rowWeights), options, context), context.signal);
  return boostingRegressor(boosted);
}

interface Boosted {
  readonly table: TreeTable;
  readonly start: Float64Array;
  readonly importances: Float64Array;
  readonly curve: Float64Array | undefined;
}

function* boostingSteps(x: Matrix, loss: BoostingLoss, options: BoostingOptions, context: FitContext): Steps<Boosted> {
  yield* assertUsable(x, "allowed");
  const { rounds = 100, learningRate = 0.1, maxLeaves = 31, maxDepth = Infinity, minLeafRows = 20, maxBins = 255, l2 = 0 } = options;
  const binned = yield* binMatrix(x, Math.min(maxBins, 255));
  const { learned, held } = heldBack(x.rowCount, options, context.random);
  using grower = new BoostingTreeGrower(binned, learned, { learningRate, maxLeaves, maxDepth, minLeafRows, l2 });
  const raws = Array.from(loss.start, (value) => new Float64Array(x.rowCount).fill(value));
  const watch = held.length > 0 ? new HeldRows(x, held, loss, options.earlyStopping!.patience) : undefined;
  const writer = new TreeWriter();
  const gains = new Float64Array(x.columns.length);
  for (let round = 0; round < rounds; round += 1) {
    yield* loss.beginRound(raws);
    for (let tree = 0; tree < loss.treesPerRound; tree += 1) yield* grower.grow(loss.derivativesOf(tree), writer, raws[tree]!, gains);
    context.tell((round + 1) / rounds, `Round ${round + 1} of ${rounds}`);
    if (watch?.isDone(writer.written(), raws)) break;
  }
  const total = gains.reduce((sum, gain) => sum + gain, 0);
  const table = writer.finish();
  return {
    table: watch ? firstTrees(table, watch.bestTrees) : table,
    start: loss.start,
    importances: total === 0 ? gains : gains.map((gain) => gain / total),
    curve: watch && Float64Array.from(watch.losses),
  };
}

function heldBack(
  rowCount: number,
  { earlyStopping }: BoostingOptions,
  random: () => number,
): { readonly learned: Int32Array; readonly held: Int32Array } {
  const all = Int32Array.from({ length: rowCount }, (_, row) => row);
  if (!earlyStopping) return { learned: all, held: new Int32Array(0) };
  const held = sampleWithoutReplacement(random, Math.max(1, Math.floor(rowCount * earlyStopping.validationShare)), rowCount);
  const isHeld = new Uint8Array(rowCount);
  for (const row of held) isHeld[row] = 1;
  return { learned: all.filter((row) => isHeld[row] === 0), held };
}

/** Rows held back from learning, by whose loss the best round is known. */
class HeldRows {
  bestTrees = 0;
  readonly losses: number[] = [];
  readonly #x: Matrix;
  readonly #rows: Int32Array;
  readonly #loss: BoostingLoss;
  readonly #patience: number;
  #lowest = Infinity;
  #sinceLowest = 0;
  #treesSeen = 0;

  constructor(x: Matrix, rows: Int32Array, loss: BoostingLoss, patience: number) {
    this.#x = takeRows(x, rows);
    this.#rows = rows;
    this.#loss = loss;
    this.#patience = patience;
  }

  /** Adds the newest trees' answers for the held rows to `raws`, which growing does for the learned rows only. */
  isDone(table: TreeTable, raws: readonly Float64Array[]): boolean {
    const seen = this.#treesSeen;
    forEachTree({ ...table, roots: table.roots.slice(seen) }, this.#x, ({ answers, tree, fromRow, rowCount }) => {
      const raw = raws[(seen + tree) % raws.length]!;
      for (let row = 0; row < rowCount; row += 1) raw[this.#rows[fromRow + row]!]! += answers[row]!;
    });
    this.#treesSeen = table.roots.length;
    const loss = this.#loss.mean(raws, this.#rows);
    this.losses.push(loss);
    this.#sinceLowest = loss < this.#lowest ? 0 : this.#sinceLowest + 1;
    if (this.#sinceLowest === 0) this.bestTrees = table.roots.length;
    this.#lowest = Math.min(this.#lowest, loss);
    return this.#sinceLowest >= this.#patience;
  }
}

/** One array a tree of a round. */
function rawAnswers({ table, start }: Boosted, x: Matrix): Float64Array[] {
  const raws = Array.from(start, (value) => new Float64Array(x.rowCount).fill(value));
  forEachTree(table, x, ({ answers, tree, fromRow, rowCount }) => {
    const raw = raws[tree % raws.length]!;
    for (let row = 0; row < rowCount; row += 1) raw[fromRow + row]! += answers[row]!;
  });
  return raws;
}

const toJson = (model: string, classCount: number, { table, start, importances, curve }: Boosted): ModelJson => ({
  model,
  classes: classCount,
  start: packNumbers(start),
  importances: packNumbers(importances),
  ...(curve && { curve: packNumbers(curve) }),
  trees: treesToJson(table),
});

const fromJson = (json: ModelJson): Boosted => ({
  table: treesFromJson(json.trees as ModelJson),
  start: unpackFloats(json, "start"),
  importances: unpackFloats(json, "importances"),
  curve: json.curve === undefined ? undefined : unpackFloats(json, "curve"),
});

function boostingClassifier(boosted: Boosted, classCount: number): Classifier {
  return {
    kind: "classifier",
    classCount,
    predictProbabilities: (x) => {
      const raws = rawAnswers(boosted, x);
      return raws.length === 1 ? sigmoids(raws[0]!) : softmaxes(raws);
    },
    importances: () => boosted.importances,
    curve: boosted.curve,
    toJSON: () => toJson("boosting-classifier", classCount, boosted),
  };
}

function boostingRegressor(boosted: Boosted): Regressor {
  return {
    kind: "regressor",
    predict: (x) => rawAnswers(boosted, x)[0]!,
    importances: () => boosted.importances,
    curve: boosted.curve,
    toJSON: () => toJson("boosting-regressor", 0, boosted),
  };
}

export const restoreBoostingClassifier = (json: ModelJson): Classifier => boostingClassifier(fromJson(json), readCount(json, "classes"));
export const restoreBoostingRegressor = (json: ModelJson): Regressor => boostingRegressor(fromJson(json));
