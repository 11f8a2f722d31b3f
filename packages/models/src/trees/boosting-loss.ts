/**
 * What boosting lowers: squared error for numbers, log loss for classes. A loss starts from the best constant and gives,
 * before each round, the first and second derivative for every row by what the trees so far answer (`raws`, one array a
 * tree of the round).
 */
import type { Labels } from "../model.ts";
import type { Derivatives } from "./boosting-histogram.ts";
import type { Steps } from "../pacing.ts";
import { weightedMean } from "../weights.ts";

export interface BoostingLoss {
  readonly treesPerRound: number;
  readonly start: Float64Array;
  /** Reads `raws` before the trees of the round change them. */
  beginRound(raws: readonly Float64Array[]): Steps<void>;
  derivativesOf(tree: number): Derivatives;
  /** Mean loss of the given rows. */
  mean(raws: readonly Float64Array[], rows: Int32Array): number;
}

/** Rows between two yields. */
const CHUNK_ROWS = 65_536;
/** No class is taken for impossible because it is absent. */
const LEAST_SHARE = 1e-12;

export function squaredLoss(target: Float64Array, weights: Float64Array | undefined): BoostingLoss {
  const derivatives = new Float32Array(2 * target.length);
  const start = weightedMean(target, weights);
  return {
    treesPerRound: 1,
    start: Float64Array.of(start),
    *beginRound([raw]) {
      for (let from = 0; from < target.length; from += CHUNK_ROWS) {
        const to = Math.min(target.length, from + CHUNK_ROWS);
        for (let row = from; row < to; row += 1) {
          const weight = weights ? weights[row]! : 1;
          derivatives[2 * row] = weight * (raw![row]! - target[row]!);
          derivatives[2 * row + 1] = weight;
        }
        yield;
      }
    },
    derivativesOf: () => derivatives,
    mean: ([raw], rows) => rows.reduce((total, row) => total + (raw![row]! - target[row]!) ** 2, 0) / rows.length,
  };
}

export function binomialLoss({ codes }: Labels, weights: Float64Array | undefined): BoostingLoss {
  const derivatives = new Float32Array(2 * codes.length);
  const share = clip(weightedMean(codes, weights));
  return {
    treesPerRound: 1,
    start: Float64Array.of(Math.log(share / (1 - share))),
    *beginRound([raw]) {
      for (let from = 0; from < codes.length; from += CHUNK_ROWS) {
        const to = Math.min(codes.length, from + CHUNK_ROWS);
        for (let row = from; row < to; row += 1) {
          const weight = weights ? weights[row]! : 1;
          const probability = 1 / (1 + Math.exp(-raw![row]!));
          derivatives[2 * row] = weight * (probability - codes[row]!);
          derivatives[2 * row + 1] = weight * probability * (1 - probability);
        }
        yield;
      }
    },
    derivativesOf: () => derivatives,
    mean: ([raw], rows) => rows.reduce((total, row) => total + softplus(codes[row] === 1 ? -raw![row]! : raw![row]!), 0) / rows.length,
  };
}

export function multinomialLoss({ codes, classCount }: Labels, weights: Float64Array | undefined): BoostingLoss {
  const derivatives = Array.from({ length: classCount }, () => new Float32Array(2 * codes.length));
  const start = Float64Array.from({ length: classCount }, (_, code) =>
    Math.log(
      clip(
        weightedMean(
          Uint8Array.from(codes, (one) => (one === code ? 1 : 0)),
          weights,
        ),
      ),
    ),
  );
  const fillRow = (row: number, raws: readonly Float64Array[]): void => {
    const weight = weights ? weights[row]! : 1;
    const normaliser = logSumExp(raws, row);
    for (let code = 0; code < classCount; code += 1) {
      const probability = Math.exp(raws[code]![row]! - normaliser);
      derivatives[code]![2 * row] = weight * (probability - (codes[row] === code ? 1 : 0));
      derivatives[code]![2 * row + 1] = weight * probability * (1 - probability);
    }
  };
  return {
    treesPerRound: classCount,
    start,
    *beginRound(raws) {
      const chunk = Math.ceil(CHUNK_ROWS / classCount);
      for (let from = 0; from < codes.length; from += chunk) {
        const to = Math.min(codes.length, from + chunk);
        for (let row = from; row < to; row += 1) fillRow(row, raws);
        yield;
      }
    },
    derivativesOf: (tree) => derivatives[tree]!,
    mean: (raws, rows) => rows.reduce((total, row) => total + logSumExp(raws, row) - raws[codes[row]!]![row]!, 0) / rows.length,
  };
}

function logSumExp(raws: readonly Float64Array[], row: number): number {
  let highest = -Infinity;
  for (const raw of raws) highest = Math.max(highest, raw[row]!);
  let total = 0;
  for (const raw of raws) total += Math.exp(raw[row]! - highest);
  return highest + Math.log(total);
}

const softplus = (value: number): number => Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value)));
const clip = (share: number): number => Math.min(1 - LEAST_SHARE, Math.max(LEAST_SHARE, share));
