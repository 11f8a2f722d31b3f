/**
 * Random forest (Breiman 2001): trees grown to purity on bootstrap samples, each split chosen among features drawn at
 * random; the answer is the mean of the trees' answers. Classification tries √features a split by Gini impurity and
 * averages the classes' shares in the leaves; regression tries all features by squared error.
 */
import type { JsonObject } from "@streamer/protocol";
import { TreeGrower } from "./forest-grower.ts";
import { GiniSplit } from "./gini-split.ts";
import type { Matrix } from "../matrix.ts";
import type { ClassWeighting, Classifier, FitContext, Labels, Regressor, RowWeighting } from "../model.ts";
import { paced, type Steps } from "../pacing.ts";
import { packNumbers, readCount, unpackFloats } from "../packing.ts";
import { rankColumns, type RankedBundle, type RankedColumns } from "./ranked-columns.ts";
import { randomBelow } from "../random.ts";
import type { Criterion } from "./split-search.ts";
import { forEachTree, treesFromJson, treesToJson, TreeWriter, type TreeTable } from "./tree-table.ts";
import { assertUsable } from "../usable.ts";
import { VarianceSplit } from "./variance-split.ts";
import { rowWeightsOf } from "../weights.ts";

export interface ForestOptions extends RowWeighting {
  /** Default 100. */
  readonly trees?: number | undefined;
  /** Features drawn a split. Default: the rounded-down square root of all for classes, all for numbers. */
  readonly featuresTried?: number | undefined;
  /** Default 1: leaves are pure. A million rows want more: a pure forest has a node for nearly every row of every tree. */
  readonly minLeafRows?: number | undefined;
  readonly maxDepth?: number | undefined;
  /** Rows drawn, with replacement, for a tree. Default: as many as there are. */
  readonly sampleRows?: number | undefined;
}

export type ForestClassifierOptions = ForestOptions & ClassWeighting;

export async function fitForestClassifier(
  x: Matrix,
  labels: Labels,
  options: ForestClassifierOptions,
  context: FitContext,
): Promise<Classifier> {
  const shares: number[] = [];
  const addShares = (classWeights: Float64Array, total: number): number => {
    for (const weight of classWeights) shares.push(weight / total);
    return shares.length / classWeights.length - 1;
  };
  const rowWeights = rowWeightsOf(labels, options);
  const featuresTried = options.featuresTried ?? Math.floor(Math.sqrt(x.columns.length));
  const makeCriterion = (setup: CriterionSetup): WeightedCriterion => new GiniSplit({ ...setup, labels, addShares });
  const { table, importances } = await paced(
    forestSteps(x, { ...options, rowWeights, featuresTried }, makeCriterion, context),
    context.signal,
  );
  return forestClassifier({ table, importances, shares: Float64Array.from(shares), classCount: labels.classCount });
}

export async function fitForestRegressor(x: Matrix, target: Float64Array, options: ForestOptions, context: FitContext): Promise<Regressor> {
  const makeCriterion = (setup: CriterionSetup): WeightedCriterion => new VarianceSplit({ ...setup, target });
  const { table, importances } = await paced(forestSteps(x, options, makeCriterion, context), context.signal);
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
  options: ForestOptions,
  makeCriterion: (setup: CriterionSetup) => WeightedCriterion,
  { random, tell }: FitContext,
): Steps<Forest> {
  yield* assertUsable(x, "refused");
  const columns = yield* rankColumns(x);
  const { trees = 100, featuresTried = x.columns.length, minLeafRows = 1, maxDepth = Infinity } = options;
  const criterion = makeCriterion({ minLeafRows, mostRanks: mostRanksOf(columns), bundles: columns.bundles });
  const writer = new TreeWriter();
  const grower = new TreeGrower({ columns, criterion, writer, random, featuresTried: Math.max(1, featuresTried), minLeafRows, maxDepth });
  const importances = new Float64Array(x.columns.length);
  for (let tree = 0; tree < trees; tree += 1) {
    const { rows, weights } = bootstrap(x.rowCount, options, random);
    criterion.weights = weights;
    yield* grower.grow(rows);
    addGains(importances, grower.gains);
    tell((tree + 1) / trees, `Tree ${tree + 1} of ${trees}`);
  }
  const total = importances.reduce((sum, value) => sum + value, 0);
  return { table: writer.finish(), importances: total === 0 ? importances : importances.map((value) => value / total) };
}

const mostRanksOf = ({ features }: RankedColumns): number =>
  features.reduce((most, { rankCount, member }) => (member > 0 ? most : Math.max(most, rankCount)), 1);

/** The rows drawn at least once, and how often each was drawn times its own weight. */
function bootstrap(
  rowCount: number,
  { sampleRows = rowCount, rowWeights }: ForestOptions,
  random: () => number,
): { readonly rows: Int32Array; readonly weights: Float64Array } {
  const weights = new Float64Array(rowCount);
  for (let draw = 0; draw < sampleRows; draw += 1) weights[randomBelow(random, rowCount)]! += 1;
  if (rowWeights) for (let row = 0; row < rowCount; row += 1) weights[row]! *= rowWeights[row]!;
  const rows = new Int32Array(rowCount);
  let drawn = 0;
  for (let row = 0; row < rowCount; row += 1) if (weights[row]! > 0) rows[drawn++] = row;
  return { rows: rows.slice(0, drawn), weights };
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
    toJSON: (): JsonObject => ({ model: "forest-regressor", importances: packNumbers(importances), trees: treesToJson(table) }),
  };
}

interface ForestClasses extends Forest {
  readonly classCount: number;
  /** Of leaves with more than one class: one number a class. */
  readonly shares: Float64Array;
}

function forestClassifier({ table, importances, shares, classCount }: ForestClasses): Classifier {
  return {
    kind: "classifier",
    classCount,
    predictProbabilities: (x) => {
      const sums = new Float64Array(x.rowCount * classCount);
      forEachTree(table, x, ({ answers, fromRow, rowCount }) => {
        for (let row = 0, at = fromRow * classCount; row < rowCount; row += 1, at += classCount) {
          const answer = answers[row]!;
          if (answer >= 0) sums[at + answer]! += 1;
          else for (let code = 0, from = (-1 - answer) * classCount; code < classCount; code += 1) sums[at + code]! += shares[from + code]!;
        }
      });
      return sums.map((sum) => sum / table.roots.length);
    },
    importances: () => importances,
    toJSON: (): JsonObject => ({
      model: "forest-classifier",
      classes: classCount,
      importances: packNumbers(importances),
      shares: packNumbers(shares),
      trees: treesToJson(table),
    }),
  };
}

export const restoreForestRegressor = (json: JsonObject): Regressor =>
  forestRegressor(treesFromJson(json.trees as JsonObject), unpackFloats(json, "importances"));

export const restoreForestClassifier = (json: JsonObject): Classifier =>
  forestClassifier({
    table: treesFromJson(json.trees as JsonObject),
    importances: unpackFloats(json, "importances"),
    shares: unpackFloats(json, "shares"),
    classCount: readCount(json, "classes"),
  });
