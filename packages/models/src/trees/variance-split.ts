/**
 * Squared error as a forest's criterion: the best split has the largest sumL²/weightL + sumR²/weightR, which is where the
 * squared error within both sides is least. Targets are centred first, so that the squares do not cancel.
 */
import type { BundleCounts } from "./bundle-counts.ts";
import { BundleSplits } from "./bundle-splits.ts";
import type { RankedBundle, RankedFeature } from "./ranked-columns.ts";
import { POSITION_BITS } from "./sort-keys.ts";
import { BestSplit, type Criterion, type NodeRows } from "./split-search.ts";

/** Per rank: weight, weighted sum, rows. */
const STRIDE = 3;

export interface VarianceSetup {
  readonly target: Float64Array;
  readonly minLeafRows: number;
  readonly mostRanks: number;
  readonly bundles: readonly RankedBundle[];
}

export class VarianceSplit extends BundleSplits implements Criterion {
  readonly best: BestSplit = new BestSplit();
  /** Weight of each row in the tree being grown; set before it. */
  weights: Float64Array;
  readonly #target: Float64Array;
  readonly #mean: number;
  readonly #minLeafRows: number;
  readonly #nodeWeights: Float64Array;
  readonly #nodeSums: Float64Array;
  readonly #histogram: Float64Array;
  #count = 0;
  #weight = 0;
  #sum = 0;

  constructor({ target, minLeafRows, mostRanks, bundles }: VarianceSetup) {
    super(bundles, STRIDE);
    this.#mean = target.reduce((total, value) => total + value, 0) / target.length;
    this.#target = target.map((value) => value - this.#mean);
    this.#minLeafRows = minLeafRows;
    this.weights = new Float64Array(0);
    this.#nodeWeights = new Float64Array(target.length);
    this.#nodeSums = new Float64Array(target.length);
    this.#histogram = new Float64Array(mostRanks * STRIDE);
  }

  load({ rows, start, end }: NodeRows): boolean {
    const target = this.#target;
    const weights = this.weights;
    const nodeWeights = this.#nodeWeights;
    const nodeSums = this.#nodeSums;
    const first = target[rows[start]!]!;
    let isAlike = true;
    let weight = 0;
    let sum = 0;
    for (let at = start, position = 0; at < end; at += 1, position += 1) {
      const row = rows[at]!;
      const rowWeight = weights[row]!;
      const value = target[row]!;
      if (value !== first) isAlike = false;
      nodeWeights[position] = rowWeight;
      nodeSums[position] = rowWeight * value;
      weight += rowWeight;
      sum += rowWeight * value;
    }
    this.#count = end - start;
    this.#weight = weight;
    this.#sum = isAlike ? weight * first : sum;
    this.best.clear();
    this.forgetBundles();
    return !isAlike;
  }

  tryCounted({ rows, start, end }: NodeRows, feature: number, { codes }: RankedFeature): boolean {
    const histogram = this.#histogram;
    const nodeWeights = this.#nodeWeights;
    const nodeSums = this.#nodeSums;
    let lowest = codes[rows[start]!]!;
    let highest = lowest;
    for (let at = start, position = 0; at < end; at += 1, position += 1) {
      const code = codes[rows[at]!]!;
      if (code < lowest) lowest = code;
      else if (code > highest) highest = code;
      const bin = code * STRIDE;
      histogram[bin]! += nodeWeights[position]!;
      histogram[bin + 1]! += nodeSums[position]!;
      histogram[bin + 2]! += 1;
    }
    if (lowest !== highest) this.#scanRanks(feature, lowest, highest);
    histogram.fill(0, lowest * STRIDE, (highest + 1) * STRIDE);
    return lowest !== highest;
  }

  #scanRanks(feature: number, lowest: number, highest: number): void {
    const histogram = this.#histogram;
    const minLeafRows = this.#minLeafRows;
    let weight = histogram[lowest * STRIDE]!;
    let sum = histogram[lowest * STRIDE + 1]!;
    let count = histogram[lowest * STRIDE + 2]!;
    let leftRank = lowest;
    for (let rank = lowest + 1; rank <= highest; rank += 1) {
      const bin = rank * STRIDE;
      const here = histogram[bin + 2]!;
      if (here === 0) continue;
      if (count >= minLeafRows && this.#count - count >= minLeafRows) {
        const right = this.#sum - sum;
        const score = (sum * sum) / weight + (right * right) / (this.#weight - weight);
        if (score > this.best.score) this.best.offer(score, feature, leftRank, rank);
      }
      leftRank = rank;
      weight += histogram[bin]!;
      sum += histogram[bin + 1]!;
      count += here;
    }
  }

  trySorted(keys: Int32Array, count: number, feature: number): void {
    const nodeWeights = this.#nodeWeights;
    const nodeSums = this.#nodeSums;
    const bits = POSITION_BITS;
    const mask = 2 ** bits - 1;
    const last = count - this.#minLeafRows;
    let weight = 0;
    let sum = 0;
    for (let at = 0; at < last; at += 1) {
      const key = keys[at]!;
      const position = key & mask;
      weight += nodeWeights[position]!;
      sum += nodeSums[position]!;
      const rank = key >> bits;
      const next = keys[at + 1]! >> bits;
      if (rank === next || at + 1 < this.#minLeafRows) continue;
      const right = this.#sum - sum;
      const score = (sum * sum) / weight + (right * right) / (this.#weight - weight);
      if (score > this.best.score) this.best.offer(score, feature, rank, next);
    }
  }

  protected offerMember(counts: Float64Array, member: number, feature: number): boolean {
    const bin = member * STRIDE;
    const count = counts[bin + 2]!;
    if (count === 0 || count === this.#count) return false;
    if (count < this.#minLeafRows || this.#count - count < this.#minLeafRows) return true;
    const weight = counts[bin]!;
    const sum = counts[bin + 1]!;
    const left = this.#sum - sum;
    const score = (sum * sum) / weight + (left * left) / (this.#weight - weight);
    if (score > this.best.score) this.best.offer(score, feature, 0, 1);
    return true;
  }

  protected countCodes(
    { rows, start, end }: NodeRows,
    codes: Uint16Array,
    { counts, present }: Pick<BundleCounts, "counts" | "present">,
  ): number {
    const nodeWeights = this.#nodeWeights;
    const nodeSums = this.#nodeSums;
    let presentCount = 0;
    for (let at = start, position = 0; at < end; at += 1, position += 1) {
      const code = codes[rows[at]!]!;
      const bin = code * STRIDE;
      if (counts[bin + 2] === 0) present[presentCount++] = code;
      counts[bin]! += nodeWeights[position]!;
      counts[bin + 1]! += nodeSums[position]!;
      counts[bin + 2]! += 1;
    }
    return presentCount;
  }

  gain(): number {
    return this.best.score - (this.#sum * this.#sum) / this.#weight;
  }

  leaf(): number {
    return this.#sum / this.#weight + this.#mean;
  }
}
