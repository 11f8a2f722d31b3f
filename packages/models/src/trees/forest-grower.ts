/**
 * Grows one tree of a forest, left side first, until its leaves are pure. At each node features are drawn without
 * replacement until `featuresTried` were looked at and at least one of them varies in the node. Rows are one array,
 * partitioned in place: a node is a range of it.
 */
import type { Steps } from "../pacing.ts";
import { thresholdBetween, type RankedColumns } from "./ranked-columns.ts";
import { randomBelow } from "../random.ts";
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

export class TreeGrower {
  /** Gain of each feature in the tree grown last. */
  readonly gains: Float64Array;
  readonly #setup: GrowerSetup;
  readonly #order: Int32Array;
  /** Tried where no feature is left out: features of their own, and bundles as -1 minus their index. */
  readonly #groups: Int32Array;
  readonly #keys: Int32Array = new Int32Array(2 ** POSITION_BITS);
  readonly #sorter: KeySorter = new KeySorter(2 ** POSITION_BITS);
  readonly #node: NodeRows = { rows: new Int32Array(0), start: 0, end: 0 };

  constructor(setup: GrowerSetup) {
    const { features, bundles } = setup.columns;
    this.#setup = setup;
    this.#order = Int32Array.from(features.keys());
    const own = this.#order.filter((feature) => features[feature]!.member === 0);
    this.#groups = Int32Array.from([...own, ...bundles.map(({ index }) => -1 - index)]);
    this.gains = new Float64Array(features.length);
  }

  /** `rows`: those of the sample; they come back in another order. */
  *grow(rows: Int32Array): Steps<void> {
    const { writer, criterion, featuresTried, minLeafRows, maxDepth } = this.#setup;
    const node = this.#node;
    node.rows = rows;
    writer.beginTree();
    this.gains.fill(0);
    // Four numbers a pending node: start, end, depth, and the node whose right child it is, or -1.
    const stack: number[] = [0, rows.length, 0, -1];
    let work = 0;
    while (stack.length > 0) {
      const rightOf = stack.pop()!;
      const depth = stack.pop()!;
      node.end = stack.pop()!;
      node.start = stack.pop()!;
      const count = node.end - node.start;
      work += count * featuresTried;
      let isSplit = criterion.load(node) && depth < maxDepth && count >= 2 * minLeafRows;
      if (isSplit && count * featuresTried > WORK_PER_YIELD) isSplit = yield* this.#searchInPieces();
      else if (isSplit) isSplit = this.#search();
      const at = isSplit ? this.#addSplit() : writer.add(LEAF, criterion.leaf());
      if (rightOf >= 0) writer.setRight(rightOf, at);
      if (isSplit) {
        const middle = this.#partition();
        stack.push(middle, node.end, depth + 1, at, node.start, middle, depth + 1, -1);
      }
      if (work < WORK_PER_YIELD) continue;
      work = 0;
      yield;
    }
  }

  /** True if a split was found. */
  #search(): boolean {
    const pieces = this.#order.length === this.#setup.featuresTried ? this.#groups.length : this.#order.length;
    let hasVaried = false;
    for (let drawn = 0; drawn < pieces && (drawn < this.#setup.featuresTried || !hasVaried); drawn += 1) {
      if (this.#tryNext(drawn)) hasVaried = true;
    }
    return this.#setup.criterion.best.feature >= 0;
  }

  /** The same, with a breath after each feature: the upper nodes of a large sample take long. */
  *#searchInPieces(): Steps<boolean> {
    const pieces = this.#order.length === this.#setup.featuresTried ? this.#groups.length : this.#order.length;
    let hasVaried = false;
    for (let drawn = 0; drawn < pieces && (drawn < this.#setup.featuresTried || !hasVaried); drawn += 1) {
      if (this.#tryNext(drawn)) hasVaried = true;
      yield;
    }
    return this.#setup.criterion.best.feature >= 0;
  }

  /** Draws the next feature, or where all are tried the next group, so that among equals chance decides. */
  #tryNext(drawn: number): boolean {
    const { random, criterion, columns, featuresTried } = this.#setup;
    const isAll = this.#order.length === featuresTried;
    const order = isAll ? this.#groups : this.#order;
    const other = drawn + randomBelow(random, order.length - drawn);
    const next = order[other]!;
    order[other] = order[drawn]!;
    order[drawn] = next;
    if (next >= 0) return this.#try(next);
    criterion.tryBundle(this.#node, columns.bundles[-1 - next]!);
    return true;
  }

  /** False if the feature is the same in all rows of the node. */
  #try(feature: number): boolean {
    const { criterion, columns } = this.#setup;
    const node = this.#node;
    const ranked = columns.features[feature]!;
    if (ranked.member > 0) return criterion.tryMember(node, feature, ranked);
    const count = node.end - node.start;
    // Half as many rows as ranks: counting walks over few empty ranks. It also bounds the positions a key must hold.
    if (2 * count >= ranked.rankCount) return criterion.tryCounted(node, feature, ranked);
    if (!this.#fillKeys(ranked.codes)) return false;
    this.#sorter.sort(this.#keys, count);
    criterion.trySorted(this.#keys, count, feature);
    return true;
  }

  #fillKeys(codes: Uint16Array): boolean {
    const { rows, start, end } = this.#node;
    const keys = this.#keys;
    const bits = POSITION_BITS;
    const first = codes[rows[start]!]!;
    let varies = false;
    for (let at = start, position = 0; at < end; at += 1, position += 1) {
      const code = codes[rows[at]!]!;
      if (code !== first) varies = true;
      keys[position] = (code << bits) | position;
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
  #partition(): number {
    const { rows, start, end } = this.#node;
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
