/**
 * The best split of a node from its histogram. Gain is the fall of the second-order loss (Friedman 2001; Chen and
 * Guestrin 2016, eq. 7, without the constants): G²/(H + λ) of both sides minus that of the node. Rows with a missing
 * value are tried on both sides.
 */
import type { BinnedFeature, BinnedMatrix } from "./binned-matrix.ts";
import { STRIDE } from "./boosting-histogram.ts";

export interface Sums {
  readonly gradient: number;
  readonly hessian: number;
  readonly count: number;
}

export interface BoostingSplit {
  readonly gain: number;
  readonly feature: BinnedFeature;
  /** Bins up to this go left; of a bundle's member: rows that are not on. */
  readonly bin: number;
  readonly isMissingLeft: boolean;
  readonly left: Sums;
  readonly right: Sums;
}

export interface SplitLimits {
  readonly l2: number;
  readonly minLeafRows: number;
}

/** A side with less curvature than this has no leaf value to speak of. */
const LEAST_HESSIAN = 1e-3;

const leafScore = ({ gradient, hessian }: Sums, l2: number): number => (gradient * gradient) / (hessian + l2);

/** Looks at every feature of one node; undefined where no split gains. */
export function findSplit({ features }: BinnedMatrix, histogram: Float64Array, node: Sums, limits: SplitLimits): BoostingSplit | undefined {
  const scan = new Scan(histogram, node, limits);
  for (const feature of features) {
    if (feature.member > 0) scan.member(feature);
    else scan.ordered(feature);
  }
  return scan.best();
}

class Scan {
  readonly #histogram: Float64Array;
  readonly #node: Sums;
  readonly #limits: SplitLimits;
  #gain = 0;
  #feature: BinnedFeature | undefined;
  #bin = 0;
  #isMissingLeft = false;
  #leftGradient = 0;
  #leftHessian = 0;
  #leftCount = 0;

  constructor(histogram: Float64Array, node: Sums, limits: SplitLimits) {
    this.#histogram = histogram;
    this.#node = node;
    this.#limits = limits;
  }

  ordered(feature: BinnedFeature): void {
    const missing = (feature.offset + feature.thresholds.length + 1) * STRIDE;
    const missingCount = feature.hasMissing ? this.#histogram[missing + 2]! : 0;
    this.#scan(feature, 0, 0, 0);
    if (missingCount === 0) return;
    const hessian = this.#histogram[missing + 1]!;
    this.#scan(feature, this.#histogram[missing]!, hessian, missingCount);
  }

  /** Sums of the left side begin with those of the missing values where these go left. */
  #scan(feature: BinnedFeature, gradientLeft: number, hessianLeft: number, countLeft: number): void {
    const histogram = this.#histogram;
    const { l2, minLeafRows } = this.#limits;
    const { gradient, hessian, count } = this.#node;
    const node = leafScore(this.#node, l2);
    // Missing values alone may be a side of their own: then all known values go the other way.
    const last = feature.thresholds.length + (feature.hasMissing && countLeft === 0 ? 1 : 0);
    let leftGradient = gradientLeft;
    let leftHessian = hessianLeft;
    let leftCount = countLeft;
    for (let bin = 0, at = feature.offset * STRIDE; bin < last; bin += 1, at += STRIDE) {
      const here = histogram[at + 2]!;
      leftGradient += histogram[at]!;
      leftHessian += histogram[at + 1]!;
      leftCount += here;
      if (leftCount < minLeafRows || leftHessian < LEAST_HESSIAN) continue;
      const rightHessian = hessian - leftHessian;
      if (count - leftCount < minLeafRows || rightHessian < LEAST_HESSIAN) break;
      const rightGradient = gradient - leftGradient;
      const gain = (leftGradient * leftGradient) / (leftHessian + l2) + (rightGradient * rightGradient) / (rightHessian + l2) - node;
      if (gain <= this.#gain) continue;
      this.#keep(feature, bin, gain, countLeft > 0);
      this.#leftGradient = leftGradient;
      this.#leftHessian = leftHessian;
      this.#leftCount = leftCount;
    }
  }

  member(feature: BinnedFeature): void {
    const at = (feature.offset + feature.member) * STRIDE;
    const { l2, minLeafRows } = this.#limits;
    const onCount = this.#histogram[at + 2]!;
    const leftCount = this.#node.count - onCount;
    if (onCount < minLeafRows || leftCount < minLeafRows) return;
    const onGradient = this.#histogram[at]!;
    const onHessian = this.#histogram[at + 1]!;
    const leftGradient = this.#node.gradient - onGradient;
    const leftHessian = this.#node.hessian - onHessian;
    if (onHessian < LEAST_HESSIAN || leftHessian < LEAST_HESSIAN) return;
    const gain =
      (onGradient * onGradient) / (onHessian + l2) + (leftGradient * leftGradient) / (leftHessian + l2) - leafScore(this.#node, l2);
    if (gain <= this.#gain) return;
    this.#keep(feature, 0, gain, false);
    this.#leftGradient = leftGradient;
    this.#leftHessian = leftHessian;
    this.#leftCount = leftCount;
  }

  #keep(feature: BinnedFeature, bin: number, gain: number, isMissingLeft: boolean): void {
    this.#gain = gain;
    this.#feature = feature;
    this.#bin = bin;
    this.#isMissingLeft = isMissingLeft;
  }

  best(): BoostingSplit | undefined {
    if (!this.#feature) return undefined;
    const { gradient, hessian, count } = this.#node;
    const left = { gradient: this.#leftGradient, hessian: this.#leftHessian, count: this.#leftCount };
    const right = { gradient: gradient - left.gradient, hessian: hessian - left.hessian, count: count - left.count };
    // Where training saw no missing value, a later one goes with the majority.
    const isMissingLeft = this.#feature.hasMissing ? this.#isMissingLeft : left.count > right.count;
    return { gain: this.#gain, feature: this.#feature, bin: this.#bin, isMissingLeft, left, right };
  }
}
