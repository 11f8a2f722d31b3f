/**
 * Confidences that mean what they say, fitted to rows the model did not learn from.
 *
 * Classes: temperature scaling (Guo et al., "On calibration of modern neural networks", 2017): the logarithms of the
 * probabilities are divided by one number, the one that makes the held-out rows likeliest. It keeps every ranking.
 * Numbers: split conformal intervals (Lei et al., "Distribution-free predictive inference for regression", 2018): the
 * quantile of the held-out absolute errors, with the finite-sample correction (n + 1) / n.
 */
import { logLoss } from "../metrics/probabilities.ts";

/** Temperatures looked at, as logarithms: a factor of 20 both ways. */
const MOST_LOG_TEMPERATURE = 3;
const GOLDEN = (Math.sqrt(5) - 1) / 2;
const STEPS = 40;
/** Below it a probability's logarithm says more about rounding than about the row. */
const LEAST_PROBABILITY = 1e-12;
/** Fewer rows make a temperature of their noise. */
const MIN_ROWS = 50;

export function temperatureOf(truth: Int32Array, probabilities: Float64Array, classCount: number): number {
  if (truth.length < MIN_ROWS) return 1;
  const loss = (logTemperature: number): number =>
    logLoss(truth, withTemperature(probabilities, classCount, Math.exp(logTemperature)), classCount);
  // Golden-section search: the loss has one valley in the temperature's logarithm.
  let [low, high] = [-MOST_LOG_TEMPERATURE, MOST_LOG_TEMPERATURE];
  let [left, right] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
  let [leftLoss, rightLoss] = [loss(left), loss(right)];
  for (let step = 0; step < STEPS; step += 1) {
    if (leftLoss <= rightLoss) {
      [high, right, rightLoss] = [right, left, leftLoss];
      left = high - GOLDEN * (high - low);
      leftLoss = loss(left);
    } else {
      [low, left, leftLoss] = [left, right, rightLoss];
      right = low + GOLDEN * (high - low);
      rightLoss = loss(right);
    }
  }
  return Math.exp((low + high) / 2);
}

export function withTemperature(probabilities: Float64Array, classCount: number, temperature: number): Float64Array {
  if (temperature === 1) return probabilities;
  const scaled = new Float64Array(probabilities.length);
  for (let at = 0; at < scaled.length; at += classCount) {
    let total = 0;
    for (let code = at; code < at + classCount; code += 1) {
      scaled[code] = Math.max(LEAST_PROBABILITY, probabilities[code]!) ** (1 / temperature);
      total += scaled[code]!;
    }
    for (let code = at; code < at + classCount; code += 1) scaled[code]! /= total;
  }
  return scaled;
}

/** Half the width of an interval that holds `level` of the true values. */
export function intervalHalfWidth(truth: Float64Array, predicted: Float64Array, level: number): number {
  const errors = truth.map((value, row) => Math.abs(value - predicted[row]!)).toSorted();
  const rank = Math.ceil((errors.length + 1) * level) - 1;
  return errors[Math.min(rank, errors.length - 1)] ?? Number.NaN;
}
