/**
 * Random forest (Breiman 2001): trees grown to purity on bootstrap samples, each split chosen among features drawn at
 * random; the answer is the mean of the trees' answers. Classification tries √features a split by Gini impurity and
 * averages the classes' shares in the leaves; regression tries all features by squared error.
 */
import { TreeGrower } from "./forest-grower.ts";
import { GiniSplit } from "./gini-split.ts";
import type { Matrix } from "../matrix.ts";
import type { ClassWeighting, Classifier, FitContext, Labels, Regressor, RowWeighting } from "../model.ts";
import { paced, type Steps } from "../pacing.ts";
import { addShares, LeafSharesWriter, SHARE_BYTES, sharesFromJson, sharesToJson, type LeafShares } from "./leaf-shares.ts";
import { type ModelJson, packNumbers, readCount, readObject, unpackFloats } from "../packing.ts";
import { rankColumns, type RankedBundle, type RankedColumns } from "./ranked-columns.ts";
import { randomBelow } from "../random.ts";
import type { Criterion } from "./split-search.ts";
import { forEachTree, LEAF, NODE_BYTES, treesFromJson, treesToJson, TreeWriter, type TreeTable } from "./tree-table.ts";
import { assertUsable } from "../usable.ts";
import { VarianceSplit } from "./variance-split.ts";
import { rowWeightsOf } from "../weights.ts";

export interface ForestOptions extends RowWeighting {
  /** Default 100. */
  readonly trees?: number | undefined;
  /** Features drawn a split. Default: the rounded-down square root of all for classes, all for numbers. */
  readonly featuresTried?: number | undefined;
  /** Default 1: leaves are pure, unless that takes more than `mostBytes`. */
  readonly minLeafRows?: number | undefined;
  /**
   * Memory that the forest may take, default 128 MB. A pure one has a node for nearly every row of every tree: of more rows
   * and trees than fit, leaves hold as many rows as it takes.
   */
  readonly mostBytes?: number | undefined;
  readonly maxDepth?: number | undefined;
  /** Rows drawn, with replacement, for a tree. Default: as many as there are. */
  readonly sampleRows?: number | undefined;
}

const MOST_BYTES = 128_000_000;

export type ForestClassifierOptions = ForestOptions & ClassWeighting;

export async function fitForestClassifier(
  x: Matrix,
  labels: Labels,
  options: ForestClassifierOptions,
  context: FitContext,
): Promise<Classifier> {
  const leaves = new LeafSharesWriter();
  const rowWeights = rowWeightsOf(labels, options);
  const featuresTried = options.featuresTried ?? Math.floor(Math.sqrt(x.columns.length));
  const makeCriterion = (setup: CriterionSetup): WeightedCriterion =>
    new GiniSplit({
      ...setup,
      labels,
      addShares: (classWeights, total) => leaves.add(classWeights, total),
    });
  const { table, importances } = await paced(
    forestSteps(x, { ...options, rowWeights, featuresTried, classCount: labels.classCount }, makeCriterion, context),
    context.signal,
  );
  return forestClassifier({ table, importances, leaves: leaves.finish(), classCount: labels.classCount });
}

export async function fitForestRegressor(x: Matrix, target: Float64Array, options: ForestOptions, context: FitContext): Promise<Regressor> {
  const makeCriterion = (setup: CriterionSetup): WeightedCriterion => new VarianceSplit({ ...setup, target });
  const { table, importances } = await paced(forestSteps(x, { ...options, classCount: 0 }, makeCriterion, context), context.signal);
  return forestRegressor(table, importances);
}

type WeightedCriterion = Criterion & { weights: Float64Array };

interface CriterionSetup {
  readonly minLeafRows: number;
  readonly mostRanks: number;
  readonly bundles: readonly RankedBundle[];
}

interface Forest {
  readonly table: TreeTable;
  readonly importances: Float64Array;
}

function* forestSteps(
  x: Matrix,
  options: ForestOptions & { readonly classCount: number },
  makeCriterion: (setup: CriterionSetup) => WeightedCriterion,
  { random, tell }: FitContext,
): Steps<Forest> {
  yield* assertUsable(x, "refused");
  const columns = yield* rankColumns(x);
  const { trees = 100, featuresTried = x.columns.length, maxDepth = Infinity } = options;
  const minLeafRows = affordableLeafRows(x.rowCount, { ...options, trees });
  const criterion = makeCriterion({ minLeafRows, mostRanks: mostRanksOf(columns), bundles: columns.bundles });
  const writer = new TreeWriter();
  const grower = new TreeGrower({ columns, criterion, writer, random, featuresTried: Math.max(1, featuresTried), minLeafRows, maxDepth });
  const importances = new Float64Array(x.columns.length);
  const sample = new Bootstrap(x.rowCount, options);
  criterion.weights = sample.weights;
  for (let tree = 0; tree < trees; tree += 1) {
    yield* grower.grow(sample.draw(random));
    addGains(importances, grower.gains);
    tell((tree + 1) / trees, `Tree ${tree + 1} of ${trees}`);
  }
  const total = importances.reduce((sum, value) => sum + value, 0);
  return { table: writer.finish(), importances: total === 0 ? importances : importances.map((value) => value / total) };
}

const mostRanksOf = ({ features }: RankedColumns): number =>
  features.reduce((most, { rankCount, member }) => (member > 0 ? most : Math.max(most, rankCount)), 1);

/** Of draws with replacement, as many as there are rows: the part of the rows that is drawn at all, 1 - 1/e, and some more. */
const DRAWN_SHARE = 0.64;

/**
 * Rows a leaf must have for the whole forest to take no more than `mostBytes`: so many trees of so many leaves, two nodes
 * a leaf, and the shares of classes in leaves of more than one.
 */
function affordableLeafRows(
  rowCount: number,
  {
    trees,
    classCount,
    sampleRows = rowCount,
    minLeafRows = 1,
    mostBytes = MOST_BYTES,
  }: Pick<ForestOptions, "sampleRows" | "minLeafRows" | "mostBytes"> & { readonly trees: number; readonly classCount: number },
): number {
  const drawn = trees * Math.min(sampleRows, Math.max(1, DRAWN_SHARE * rowCount));
  const bytes = (leafRows: number): number =>
    drawn * ((2 * NODE_BYTES) / leafRows + (leafRows > 1 ? SHARE_BYTES * Math.min(1, classCount / leafRows) : 0));
  let leafRows = minLeafRows;
  while (bytes(leafRows) > mostBytes) leafRows += 1;
  return leafRows;
}

/** The rows drawn at least once, and how often each was drawn times its own weight: the same two arrays for each tree. */
class Bootstrap {
  readonly weights: Float64Array;
  readonly #rows: Int32Array;
  readonly #sampleRows: number;
  readonly #rowWeights: Float64Array | undefined;

  constructor(rowCount: number, { sampleRows = rowCount, rowWeights }: ForestOptions) {
    this.weights = new Float64Array(rowCount);
    this.#rows = new Int32Array(rowCount);
    this.#sampleRows = sampleRows;
    this.#rowWeights = rowWeights;
  }

  /** Changes `weights`; the rows are a view, to be put in any order. */
  draw(random: () => number): Int32Array {
    const { weights } = this;
    const rows = this.#rows;
    const rowWeights = this.#rowWeights;
    weights.fill(0);
    for (let draw = 0; draw < this.#sampleRows; draw += 1) weights[randomBelow(random, rows.length)]! += 1;
    if (rowWeights) for (let row = 0; row < rows.length; row += 1) weights[row]! *= rowWeights[row]!;
    let drawn = 0;
    for (let row = 0; row < rows.length; row += 1) if (weights[row]! > 0) rows[drawn++] = row;
    return rows.subarray(0, drawn);
  }
}

/** Each tree counts the same, however much there was to gain in its sample. */
function addGains(into: Float64Array, gains: Float64Array): void {
  const total = gains.reduce((sum, gain) => sum + gain, 0);
  if (total > 0) gains.forEach((gain, feature) => (into[feature]! += gain / total));
}

function forestRegressor(table: TreeTable, importances: Float64Array): Regressor {
  return {
    kind: "regressor",
    predict: (x) => {
      const sums = new Float64Array(x.rowCount);
      forEachTree(table, x, ({ answers, fromRow, rowCount }) => {
        for (let row = 0; row < rowCount; row += 1) sums[fromRow + row]! += answers[row]!;
      });
      return sums.map((sum) => sum / table.roots.length);
    },
    importances: () => importances,
    toJSON: (): ModelJson => ({ model: "forest-regressor", importances: packNumbers(importances), trees: treesToJson(table) }),
  };
}

interface ForestClasses extends Forest {
  readonly classCount: number;
  readonly leaves: LeafShares;
}

function forestClassifier({ table, importances, leaves, classCount }: ForestClasses): Classifier {
  return {
    kind: "classifier",
    classCount,
    predictProbabilities: (x) => {
      const sums = new Float64Array(x.rowCount * classCount);
      forEachTree(table, x, ({ answers, fromRow, rowCount }) => {
        for (let row = 0, at = fromRow * classCount; row < rowCount; row += 1, at += classCount) {
          const answer = answers[row]!;
          if (answer >= 0) sums[at + answer]! += 1;
          else addShares(leaves, -1 - answer, sums, at);
        }
      });
      return sums.map((sum) => sum / table.roots.length);
    },
    importances: () => importances,
    toJSON: (): ModelJson => ({
      model: "forest-classifier",
      classes: classCount,
      importances: packNumbers(importances),
      leaves: sharesToJson(leaves),
      trees: treesToJson(table),
    }),
  };
}

export const restoreForestRegressor = (json: ModelJson): Regressor =>
  forestRegressor(treesFromJson(json.trees as ModelJson), unpackFloats(json, "importances"));

export function restoreForestClassifier(json: ModelJson): Classifier {
  const classCount = readCount(json, "classes");
  const table = treesFromJson(json.trees as ModelJson);
  return forestClassifier({
    table,
    importances: unpackFloats(json, "importances"),
    leaves: json.leaves === undefined ? denseShares(json, table, classCount) : sharesFromJson(readObject(json, "leaves"), classCount),
    classCount,
  });
}

/** Files of earlier versions have a number for each class of each leaf; a leaf's place counts leaves. */
function denseShares(json: ModelJson, { splits, thresholds }: TreeTable, classCount: number): LeafShares {
  const shares = unpackFloats(json, "shares");
  const leaves = new LeafSharesWriter();
  const begins = Int32Array.from({ length: shares.length / classCount }, (_, leaf) =>
    leaves.add(shares.subarray(leaf * classCount, (leaf + 1) * classCount), 1),
  );
  for (let node = 0; node < splits.length; node += 1)
    if (splits[node] === LEAF && thresholds[node]! < 0) thresholds[node] = -1 - begins[-1 - thresholds[node]!]!;
  return leaves.finish();
}
