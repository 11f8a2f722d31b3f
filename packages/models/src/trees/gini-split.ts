/**
 * Gini impurity as a forest's criterion: the best split has the largest Σ leftₖ²/weightL + Σ rightₖ²/weightR over the
 * classes k. The sums of squares are kept up row by row, so a split costs the same however many classes there are.
 */
import type { BundleCounts } from "./bundle-counts.ts";
import { BundleSplits } from "./bundle-splits.ts";
import type { Labels } from "../model.ts";
import type { RankedBundle, RankedFeature } from "./ranked-columns.ts";
import { POSITION_BITS } from "./sort-keys.ts";
import { BestSplit, type Criterion, type NodeRows } from "./split-search.ts";

export interface GiniSetup {
  readonly labels: Labels;
  readonly minLeafRows: number;
  readonly mostRanks: number;
  readonly bundles: readonly RankedBundle[];
  /** Writes down shares of the classes; the answer is where: they are of a leaf with more than one class. */
  readonly addShares: (classWeights: Float64Array, total: number) => number;
}

export class GiniSplit extends BundleSplits implements Criterion {
  readonly best: BestSplit = new BestSplit();
  /** Weight of each row in the tree being grown; set before it. */
  weights: Float64Array;
  readonly #setup: GiniSetup;
  readonly #codes: Int32Array;
  readonly #classCount: number;
  readonly #nodeWeights: Float64Array;
  readonly #nodeCodes: Int32Array;
  /** Per rank: the weight of each class, then the rows. */
  readonly #stride: number;
  readonly #histogram: Float64Array;
  readonly #classWeights: Float64Array;
  readonly #left: Float64Array;
  #count = 0;
  #weight = 0;
  #squares = 0;
  #isAlike = false;

  constructor(setup: GiniSetup) {
    super(setup.bundles, setup.labels.classCount + 1);
    this.#setup = setup;
    this.#codes = setup.labels.codes;
    this.#classCount = setup.labels.classCount;
    this.#stride = this.#classCount + 1;
    this.weights = new Float64Array(0);
    this.#nodeWeights = new Float64Array(this.#codes.length);
    this.#nodeCodes = new Int32Array(this.#codes.length);
    this.#histogram = new Float64Array(setup.mostRanks * this.#stride);
    this.#classWeights = new Float64Array(this.#classCount);
    this.#left = new Float64Array(this.#classCount);
  }

  load({ rows, start, end }: NodeRows): boolean {
    const codes = this.#codes;
    const weights = this.weights;
    const nodeWeights = this.#nodeWeights;
    const nodeCodes = this.#nodeCodes;
    const classWeights = this.#classWeights;
    const first = codes[rows[start]!]!;
    let isAlike = true;
    let weight = 0;
    for (let code = 0; code < classWeights.length; code += 1) classWeights[code] = 0;
    for (let at = start, position = 0; at < end; at += 1, position += 1) {
      const row = rows[at]!;
      const rowWeight = weights[row]!;
      const code = codes[row]!;
      if (code !== first) isAlike = false;
      nodeWeights[position] = rowWeight;
      nodeCodes[position] = code;
      classWeights[code]! += rowWeight;
      weight += rowWeight;
    }
    this.#count = end - start;
    this.#weight = weight;
    this.#squares = sumOfSquares(classWeights);
    this.#isAlike = isAlike;
    this.best.clear();
    this.forgetBundles();
    return !isAlike;
  }

  tryCounted({ rows, start, end }: NodeRows, feature: number, { codes }: RankedFeature): boolean {
    const histogram = this.#histogram;
    const nodeWeights = this.#nodeWeights;
    const nodeCodes = this.#nodeCodes;
    const stride = this.#stride;
    let lowest = codes[rows[start]!]!;
    let highest = lowest;
    for (let at = start, position = 0; at < end; at += 1, position += 1) {
      const rank = codes[rows[at]!]!;
      if (rank < lowest) lowest = rank;
      else if (rank > highest) highest = rank;
      const bin = rank * stride;
      histogram[bin + nodeCodes[position]!]! += nodeWeights[position]!;
      histogram[bin + stride - 1]! += 1;
    }
    if (lowest !== highest) this.#scanRanks(feature, lowest, highest);
    histogram.fill(0, lowest * stride, (highest + 1) * stride);
    return lowest !== highest;
  }

  #scanRanks(feature: number, lowest: number, highest: number): void {
    const histogram = this.#histogram;
    const stride = this.#stride;
    const left = this.#left;
    const classWeights = this.#classWeights;
    left.fill(0);
    let count = 0;
    let weight = 0;
    let leftSquares = 0;
    let rightSquares = this.#squares;
    let leftRank = lowest;
    for (let rank = lowest; rank <= highest; rank += 1) {
      const bin = rank * stride;
      const here = histogram[bin + stride - 1]!;
      if (here === 0) continue;
      if (count >= this.#setup.minLeafRows && this.#count - count >= this.#setup.minLeafRows) {
        const score = leftSquares / weight + rightSquares / (this.#weight - weight);
        if (score > this.best.score) this.best.offer(score, feature, leftRank, rank);
      }
      for (let code = 0; code < left.length; code += 1) {
        const moved = histogram[bin + code]!;
        if (moved === 0) continue;
        leftSquares += moved * (2 * left[code]! + moved);
        rightSquares -= moved * (2 * (classWeights[code]! - left[code]!) - moved);
        left[code]! += moved;
        weight += moved;
      }
      count += here;
      leftRank = rank;
    }
  }

  trySorted(keys: Int32Array, count: number, feature: number): void {
    const nodeWeights = this.#nodeWeights;
    const nodeCodes = this.#nodeCodes;
    const left = this.#left;
    const classWeights = this.#classWeights;
    const { minLeafRows } = this.#setup;
    const bits = POSITION_BITS;
    const mask = 2 ** bits - 1;
    const last = count - minLeafRows;
    for (let code = 0; code < left.length; code += 1) left[code] = 0;
    let weight = 0;
    let leftSquares = 0;
    let rightSquares = this.#squares;
    for (let at = 0; at < last; at += 1) {
      const key = keys[at]!;
      const position = key & mask;
      const moved = nodeWeights[position]!;
      const code = nodeCodes[position]!;
      const before = left[code]!;
      leftSquares += moved * (2 * before + moved);
      rightSquares -= moved * (2 * (classWeights[code]! - before) - moved);
      left[code] = before + moved;
      weight += moved;
      const rank = key >> bits;
      const next = keys[at + 1]! >> bits;
      if (rank === next || at + 1 < minLeafRows) continue;
      const score = leftSquares / weight + rightSquares / (this.#weight - weight);
      if (score > this.best.score) this.best.offer(score, feature, rank, next);
    }
  }

  protected offerMember(counts: Float64Array, member: number, feature: number): boolean {
    const { minLeafRows } = this.#setup;
    const bin = member * this.#stride;
    const count = counts[bin + this.#classCount]!;
    if (count === 0 || count === this.#count) return false;
    if (count < minLeafRows || this.#count - count < minLeafRows) return true;
    let weight = 0;
    let onSquares = 0;
    let offSquares = 0;
    for (let code = 0; code < this.#classCount; code += 1) {
      const on = counts[bin + code]!;
      const off = this.#classWeights[code]! - on;
      weight += on;
      onSquares += on * on;
      offSquares += off * off;
    }
    const score = onSquares / weight + offSquares / (this.#weight - weight);
    if (score > this.best.score) this.best.offer(score, feature, 0, 1);
    return true;
  }

  protected countCodes(
    { rows, start, end }: NodeRows,
    codes: Uint16Array,
    { counts, present }: Pick<BundleCounts, "counts" | "present">,
  ): number {
    const nodeWeights = this.#nodeWeights;
    const nodeCodes = this.#nodeCodes;
    const stride = this.#stride;
    let presentCount = 0;
    for (let at = start, position = 0; at < end; at += 1, position += 1) {
      const code = codes[rows[at]!]!;
      const bin = code * stride;
      if (counts[bin + stride - 1] === 0) present[presentCount++] = code;
      counts[bin + nodeCodes[position]!]! += nodeWeights[position]!;
      counts[bin + stride - 1]! += 1;
    }
    return presentCount;
  }

  gain(): number {
    return this.best.score - this.#squares / this.#weight;
  }

  /** A class, or, below 0, -1 minus the place of its shares. */
  leaf(): number {
    if (this.#isAlike) return this.#nodeCodes[0]!;
    return -1 - this.#setup.addShares(this.#classWeights, this.#weight);
  }
}

function sumOfSquares(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value * value;
  return total;
}
