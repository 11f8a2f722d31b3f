/**
 * Isolation forest (Liu, Ting and Zhou 2008): trees that split a random feature at a random value, each on a small random
 * sample. Rows that are alone after few splits are anomalous; the score is 2^(-mean depth / expected depth), between 0
 * and 1, and about a half where nothing is unusual.
 */
import type { Matrix } from "../matrix.ts";
import type { AnomalyModel, FitContext } from "../model.ts";
import { paced, type Steps } from "../pacing.ts";
import { type ModelJson, readNumber } from "../packing.ts";
import { randomBelow, sampleWithoutReplacement } from "../random.ts";
import { forEachTree, LEAF, treesFromJson, treesToJson, TreeWriter, type TreeTable } from "./tree-table.ts";
import { assertUsable } from "../usable.ts";

export interface IsolationForestOptions {
  /** Default 100. */
  readonly trees?: number | undefined;
  /** Rows a tree is grown on. Default 256. */
  readonly sampleRows?: number | undefined;
}

const EULER_GAMMA = 0.577_215_664_901_532_9;

export async function fitIsolationForest(x: Matrix, options: IsolationForestOptions, context: FitContext): Promise<AnomalyModel> {
  const sampleRows = Math.min(options.sampleRows ?? 256, x.rowCount);
  const table = await paced(isolationSteps(x, { trees: options.trees ?? 100, sampleRows }, context), context.signal);
  return isolationForest(table, expectedDepth(sampleRows));
}

interface ResolvedOptions {
  readonly trees: number;
  readonly sampleRows: number;
}

function* isolationSteps(x: Matrix, { trees, sampleRows }: ResolvedOptions, { random, tell }: FitContext): Steps<TreeTable> {
  yield* assertUsable(x, "refused");
  const grower = new IsolationGrower(x, Math.ceil(Math.log2(Math.max(2, sampleRows))), random);
  for (let tree = 0; tree < trees; tree += 1) {
    grower.grow(sampleWithoutReplacement(random, sampleRows, x.rowCount));
    tell((tree + 1) / trees, `Tree ${tree + 1} of ${trees}`);
    yield;
  }
  return grower.writer.finish();
}

class IsolationGrower {
  readonly writer: TreeWriter = new TreeWriter();
  readonly #x: Matrix;
  readonly #maxDepth: number;
  readonly #random: () => number;
  readonly #order: Int32Array;

  constructor(x: Matrix, maxDepth: number, random: () => number) {
    this.#x = x;
    this.#maxDepth = maxDepth;
    this.#random = random;
    this.#order = Int32Array.from(x.columns.keys());
  }

  grow(rows: Int32Array): void {
    this.writer.beginTree();
    this.#node(rows, 0);
  }

  /** Leaves answer their depth, and below the cut the depth that so many rows would still have taken. */
  #node(rows: Int32Array, depth: number): number {
    const split = rows.length > 1 && depth < this.#maxDepth ? this.#draw(rows) : undefined;
    if (!split) return this.writer.add(LEAF, depth + expectedDepth(rows.length));
    const values = this.#x.columns[split.feature]!;
    const node = this.writer.add(split.feature * 2, split.threshold);
    const middle = partition(rows, values, split.threshold);
    this.#node(rows.subarray(0, middle), depth + 1);
    this.writer.setRight(node, this.#node(rows.subarray(middle), depth + 1));
    return node;
  }

  /** A feature that varies in these rows, and a value from its range; undefined where all rows are the same. */
  #draw(rows: Int32Array): { readonly feature: number; readonly threshold: number } | undefined {
    const order = this.#order;
    for (let drawn = 0; drawn < order.length; drawn += 1) {
      const other = drawn + randomBelow(this.#random, order.length - drawn);
      const feature = order[other]!;
      order[other] = order[drawn]!;
      order[drawn] = feature;
      const values = this.#x.columns[feature]!;
      let low = Infinity;
      let high = -Infinity;
      for (const row of rows) {
        low = Math.min(low, values[row]!);
        high = Math.max(high, values[row]!);
      }
      if (low === high) continue;
      const threshold = low + this.#random() * (high - low);
      return { feature, threshold: threshold < high ? threshold : low };
    }
    return undefined;
  }
}

/** Rows at most the threshold come first; returns how many they are. */
function partition(rows: Int32Array, values: Float64Array, threshold: number): number {
  let left = 0;
  for (let at = 0; at < rows.length; at += 1) {
    const row = rows[at]!;
    if (values[row]! > threshold) continue;
    rows[at] = rows[left]!;
    rows[left] = row;
    left += 1;
  }
  return left;
}

/** Mean depth at which a search for one of `rowCount` rows in a random tree ends: 2 H(n - 1) - 2 (n - 1) / n. */
function expectedDepth(rowCount: number): number {
  if (rowCount <= 1) return 0;
  if (rowCount === 2) return 1;
  return 2 * (Math.log(rowCount - 1) + EULER_GAMMA) - (2 * (rowCount - 1)) / rowCount;
}

function isolationForest(table: TreeTable, expected: number): AnomalyModel {
  return {
    kind: "anomaly",
    score: (x) => {
      const depths = new Float64Array(x.rowCount);
      forEachTree(table, x, ({ answers, fromRow, rowCount }) => {
        for (let row = 0; row < rowCount; row += 1) depths[fromRow + row]! += answers[row]!;
      });
      return depths.map((depth) => 2 ** (-depth / table.roots.length / (expected || 1)));
    },
    toJSON: (): ModelJson => ({ model: "isolation-forest", expected, trees: treesToJson(table) }),
  };
}

export const restoreIsolationForest = (json: ModelJson): AnomalyModel =>
  isolationForest(treesFromJson(json.trees as ModelJson), readNumber(json, "expected"));
