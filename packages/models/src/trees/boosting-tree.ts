/**
 * Grows one tree of gradient boosting, the leaf with the largest gain first, until it has `maxLeaves` leaves or nothing
 * gains. Rows are one array, partitioned so that they stay in ascending order within a node: memory is read forwards.
 */
import type { BinnedMatrix } from "./binned-matrix.ts";
import { HistogramCounter, HistogramPool, subtractHistogram, type Derivatives } from "./boosting-histogram.ts";
import { findSplit, type BoostingSplit, type Sums } from "./boosting-split.ts";
import type { Steps } from "../pacing.ts";
import { LEAF, type TreeWriter } from "./tree-table.ts";

export interface TreeOptions {
  readonly maxLeaves: number;
  readonly minLeafRows: number;
  readonly maxDepth: number;
  readonly l2: number;
  readonly learningRate: number;
}

interface Leaf {
  readonly start: number;
  readonly end: number;
  readonly depth: number;
  readonly sums: Sums;
  histogram: Float64Array | undefined;
  split: BoostingSplit | undefined;
  children: readonly [Leaf, Leaf] | undefined;
}

export class BoostingTreeGrower implements Disposable {
  readonly #binned: BinnedMatrix;
  readonly #options: TreeOptions;
  readonly #pool: HistogramPool;
  readonly #counter: HistogramCounter;
  readonly #inOrder: Int32Array;
  readonly #rows: Int32Array;
  readonly #spare: Int32Array;
  readonly #isLeft = new Uint8Array(256);
  #values: Derivatives = new Float32Array(0);

  /** `rows`: those to learn from, rising. */
  constructor(binned: BinnedMatrix, rows: Int32Array, options: TreeOptions) {
    this.#binned = binned;
    this.#options = options;
    this.#pool = new HistogramPool(binned.binCount);
    this.#counter = new HistogramCounter(binned);
    this.#inOrder = rows;
    this.#rows = new Int32Array(rows.length);
    this.#spare = new Int32Array(rows.length);
  }

  [Symbol.dispose](): void {
    this.#counter[Symbol.dispose]();
  }

  /** Adds what the tree answers to `raw`, and to `gains` what its splits gained. */
  *grow(values: Derivatives, writer: TreeWriter, raw: Float64Array, gains: Float64Array): Steps<void> {
    this.#values = values;
    // The tree before left them in its own order: read in that one, a million rows miss the cache at every step.
    this.#rows.set(this.#inOrder);
    const root = yield* this.#root();
    const open: Leaf[] = [root];
    for (let leaves = 1; leaves < this.#options.maxLeaves; leaves += 1) {
      const best = open.reduce((most, leaf) => ((leaf.split?.gain ?? 0) > (most.split?.gain ?? 0) ? leaf : most));
      if (!best.split) break;
      gains[best.split.feature.feature]! += best.split.gain;
      const children = yield* this.#divide(best, best.split, leaves + 1 < this.#options.maxLeaves);
      open.splice(open.indexOf(best), 1, ...children);
    }
    for (const leaf of open) this.#close(leaf);
    writer.beginTree();
    this.#write(root, writer, raw);
  }

  *#root(): Steps<Leaf> {
    const rows = this.#rows;
    const derivatives = this.#values;
    let gradient = 0;
    let hessian = 0;
    for (let at = 0; at < rows.length; at += 1) {
      gradient += derivatives[2 * rows[at]!]!;
      hessian += derivatives[2 * rows[at]! + 1]!;
    }
    const root = leafOf({ start: 0, end: rows.length, depth: 0, sums: { gradient, hessian, count: rows.length } });
    if (this.#maySplit(root)) {
      root.histogram = this.#pool.take();
      yield* this.#counter.count({ rows, start: 0, end: rows.length }, this.#values, root.histogram);
      root.split = findSplit(this.#binned, root.histogram, root.sums, this.#options);
    }
    return root;
  }

  *#divide(parent: Leaf, split: BoostingSplit, isDeeper: boolean): Steps<readonly [Leaf, Leaf]> {
    const { start, end, depth } = parent;
    const middle = this.#partition(parent, split);
    const left = leafOf({ start, end: middle, depth: depth + 1, sums: split.left });
    const right = leafOf({ start: middle, end, depth: depth + 1, sums: split.right });
    parent.children = [left, right];
    const smaller = middle - start < end - middle ? left : right;
    const larger = smaller === left ? right : left;
    // The larger side is what is left of the parent: it needs the smaller side's histogram even if that will not split.
    if (isDeeper && this.#maySplit(larger)) {
      smaller.histogram = this.#pool.take();
      yield* this.#counter.count({ rows: this.#rows, start: smaller.start, end: smaller.end }, this.#values, smaller.histogram);
      larger.histogram = parent.histogram;
      parent.histogram = undefined;
      subtractHistogram(larger.histogram!, smaller.histogram);
      for (const leaf of [left, right]) {
        if (this.#maySplit(leaf)) leaf.split = findSplit(this.#binned, leaf.histogram!, leaf.sums, this.#options);
        if (!leaf.split) this.#close(leaf);
      }
    }
    this.#close(parent);
    yield;
    return [left, right];
  }

  #maySplit({ sums, depth }: Leaf): boolean {
    return sums.count >= 2 * this.#options.minLeafRows && depth < this.#options.maxDepth;
  }

  #close(leaf: Leaf): void {
    if (leaf.histogram) this.#pool.give(leaf.histogram);
    leaf.histogram = undefined;
  }

  /** Returns where the right side begins. Written without a branch on the row: no processor foresees where a row goes. */
  #partition({ start, end }: Leaf, split: BoostingSplit): number {
    const { codes } = this.#binned.columns[split.feature.column]!;
    const isLeft = this.#sides(split);
    const rows = this.#rows;
    const spare = this.#spare;
    let left = start;
    let right = 0;
    for (let at = start; at < end; at += 1) {
      const row = rows[at]!;
      const step = isLeft[codes[row]!]!;
      rows[left] = row;
      spare[right] = row;
      left += step;
      right += 1 - step;
    }
    rows.set(spare.subarray(0, right), left);
    return left;
  }

  /** By bin: 1 where its rows go left. */
  #sides({ feature, bin, isMissingLeft }: BoostingSplit): Uint8Array {
    const { member, hasMissing, thresholds } = feature;
    const isLeft = this.#isLeft;
    if (member > 0) {
      isLeft.fill(1);
      isLeft[member] = 0;
      return isLeft;
    }
    isLeft.fill(0);
    isLeft.fill(1, 0, bin + 1);
    if (hasMissing) isLeft[thresholds.length + 1] = isMissingLeft ? 1 : 0;
    return isLeft;
  }

  #write(leaf: Leaf, writer: TreeWriter, raw: Float64Array): number {
    if (leaf.split && leaf.children) {
      const { feature, bin, isMissingLeft } = leaf.split;
      // The bin after the last bound holds all larger values: only missing ones lie beyond it.
      const node = writer.add(feature.feature * 2 + (isMissingLeft ? 1 : 0), feature.thresholds[bin] ?? Infinity);
      this.#write(leaf.children[0], writer, raw);
      writer.setRight(node, this.#write(leaf.children[1], writer, raw));
      return node;
    }
    const { gradient, hessian } = leaf.sums;
    const value = (-this.#options.learningRate * gradient) / (hessian + this.#options.l2 || 1);
    for (let at = leaf.start; at < leaf.end; at += 1) raw[this.#rows[at]!]! += value;
    return writer.add(LEAF, value);
  }
}

const leafOf = (known: Pick<Leaf, "start" | "end" | "depth" | "sums">): Leaf => ({
  ...known,
  histogram: undefined,
  split: undefined,
  children: undefined,
});
