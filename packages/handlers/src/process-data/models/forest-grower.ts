/**
 * Grows one tree of a forest, left side first, until its leaves are pure. At each node features are drawn without
 * replacement until `featuresTried` were looked at and at least one of them varies in the node. Rows are one array,
 * partitioned in place: a node is a range of it.
 */
import type { Steps } from "./pacing.ts";
import { thresholdBetween, type RankedColumns } from "./ranked-columns.ts";
import { randomBelow } from "./random.ts";
import { KeySorter, POSITION_BITS } from "./sort-keys.ts";
import type { Criterion, NodeRows } from "./split-search.ts";
import { LEAF, type TreeWriter } from "./tree-table.ts";

export interface GrowerSetup {
  readonly columns: RankedColumns;
  readonly criterion: Criterion;
  readonly writer: TreeWriter;
  readonly random: () => number;
  readonly featuresTried: number;
  readonly minLeafRows: number;
  readonly maxDepth: number;
}

/** Rows × features looked at between two yields: about 2 ms. */
const WORK_PER_YIELD = 500_000;

interface Pending {
  readonly start: number;
  readonly end: number;
  readonly depth: number;
  /** The node whose right child this is; -1 for a left child, which follows its parent anyway. */
  readonly rightOf: number;
}

export class TreeGrower {
  /** Gain of each feature in the tree grown last. */
  readonly gains: Float64Array;
  readonly #setup: GrowerSetup;
  readonly #order: Int32Array;
  readonly #keys: Int32Array = new Int32Array(2 ** POSITION_BITS);
  readonly #sorter: KeySorter = new KeySorter(2 ** POSITION_BITS);

  constructor(setup: GrowerSetup) {
    this.#setup = setup;
    this.#order = Int32Array.from(setup.columns.features.keys());
    this.gains = new Float64Array(setup.columns.features.length);
  }

  /** `rows`: those of the sample; they come back in another order. */
  *grow(rows: Int32Array): Steps<void> {
    const { writer } = this.#setup;
    writer.beginTree();
    this.gains.fill(0);
    const stack: Pending[] = [{ start: 0, end: rows.length, depth: 0, rightOf: -1 }];
    let work = 0;
    for (let pending = stack.pop(); pending; pending = stack.pop()) {
      const { start, end, depth, rightOf } = pending;
      const node: NodeRows = { rows, start, end };
      const isSplit = this.#setup.criterion.load(node) && this.#maySplit(node, depth) && (yield* this.#search(node));
      const at = isSplit ? this.#addSplit() : writer.add(LEAF, this.#setup.criterion.leaf());
      if (rightOf >= 0) writer.setRight(rightOf, at);
      work += (end - start) * this.#setup.featuresTried;
      if (work > WORK_PER_YIELD) {
        work = 0;
        yield;
      }
      if (!isSplit) continue;
      const middle = this.#partition(node);
      stack.push({ start: middle, end, depth: depth + 1, rightOf: at });
      stack.push({ start, end: middle, depth: depth + 1, rightOf: -1 });
    }
  }

  #maySplit({ start, end }: NodeRows, depth: number): boolean {
    return depth < this.#setup.maxDepth && end - start >= 2 * this.#setup.minLeafRows;
  }

  *#search(node: NodeRows): Steps<boolean> {
    const { featuresTried, random, criterion } = this.#setup;
    const order = this.#order;
    const isLong = (node.end - node.start) * featuresTried > WORK_PER_YIELD;
    let hasVaried = false;
    for (let drawn = 0; drawn < order.length && (drawn < featuresTried || !hasVaried); drawn += 1) {
      const other = drawn + randomBelow(random, order.length - drawn);
      const feature = order[other]!;
      order[other] = order[drawn]!;
      order[drawn] = feature;
      if (this.#try(node, feature)) hasVaried = true;
      if (isLong) yield;
    }
    return criterion.best.feature >= 0;
  }

  /** False if the feature is the same in all rows of the node. */
  #try(node: NodeRows, feature: number): boolean {
    const { criterion, columns } = this.#setup;
    const ranked = columns.features[feature]!;
    if (ranked.member > 0) return criterion.tryMember(node, feature, ranked);
    const count = node.end - node.start;
    // Half as many rows as ranks: counting walks over few empty ranks. It also bounds the positions a key must hold.
    if (2 * count >= ranked.rankCount) return criterion.tryCounted(node, feature, ranked);
    if (!this.#fillKeys(node, ranked.codes)) return false;
    this.#sorter.sort(this.#keys, count);
    criterion.trySorted(this.#keys, count, feature);
    return true;
  }

  #fillKeys({ rows, start, end }: NodeRows, codes: Uint16Array): boolean {
    const keys = this.#keys;
    const first = codes[rows[start]!]!;
    let varies = false;
    for (let at = start, position = 0; at < end; at += 1, position += 1) {
      const code = codes[rows[at]!]!;
      if (code !== first) varies = true;
      keys[position] = (code << POSITION_BITS) | position;
    }
    return varies;
  }

  #addSplit(): number {
    const { criterion, columns, writer } = this.#setup;
    const { feature, leftRank, rightRank } = criterion.best;
    const { lows, highs } = columns.features[feature]!;
    this.gains[feature]! += criterion.gain();
    return writer.add(feature * 2, thresholdBetween(highs[leftRank]!, lows[rightRank]!));
  }

  /** Returns where the right side begins. */
  #partition({ rows, start, end }: NodeRows): number {
    const { feature, leftRank } = this.#setup.criterion.best;
    const { codes, member } = this.#setup.columns.features[feature]!;
    let left = start;
    let right = end - 1;
    while (left <= right) {
      const row = rows[left]!;
      const code = codes[row]!;
      const isLeft = member > 0 ? code !== member : code <= leftRank;
      if (isLeft) left += 1;
      else {
        rows[left] = rows[right]!;
        rows[right] = row;
        right -= 1;
      }
    }
    return left;
  }
}
