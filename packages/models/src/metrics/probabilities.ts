/** How far predicted probabilities are from what happened: log loss, Brier score, expected calibration error. */

/** A probability of 0 that comes true would cost infinitely much: probabilities are kept this far from 0 and 1. */
const CLOSEST_TO_CERTAIN = 2 ** -52;

/** Mean of -ln(probability given to the true class). */
export function logLoss(truth: Int32Array, probabilities: Float64Array, classCount: number): number {
  const clip = (p: number): number => Math.min(1 - CLOSEST_TO_CERTAIN, Math.max(CLOSEST_TO_CERTAIN, p));
  let loss = 0;
  for (let row = 0; row < truth.length; row += 1) {
    const at = row * classCount;
    let total = 0;
    for (let code = 0; code < classCount; code += 1) total += clip(probabilities[at + code]!);
    loss -= Math.log(clip(probabilities[at + truth[row]!]!) / total);
  }
  return loss / truth.length;
}

/** Mean over the classes of their rows' log loss: a rare class counts as much as a common one. */
export function balancedLogLoss(truth: Int32Array, probabilities: Float64Array, classCount: number): number {
  const losses = Array.from({ length: classCount }, (_, code) => {
    const rows = Int32Array.from(truth.keys()).filter((row) => truth[row] === code);
    const own = new Float64Array(rows.length * classCount);
    rows.forEach((row, at) => own.set(probabilities.subarray(row * classCount, (row + 1) * classCount), at * classCount));
    return logLoss(new Int32Array(rows.length).fill(code), own, classCount);
  }).filter((loss) => !Number.isNaN(loss));
  return losses.reduce((total, loss) => total + loss, 0) / losses.length;
}

/** Brier score over all classes: of two it is that of either, of more the sum over the classes (Brier 1950). */
export function brierLoss(truth: Int32Array, probabilities: Float64Array, classCount: number): number {
  let total = 0;
  for (let at = 0; at < probabilities.length; at += 1) {
    const happened = truth[Math.floor(at / classCount)] === at % classCount ? 1 : 0;
    total += (probabilities[at]! - happened) ** 2;
  }
  return total / truth.length / (classCount === 2 ? 2 : 1);
}

/** Mean squared distance of a probability from what happened (1 or 0). */
export function brierScore(positive: ArrayLike<number>, probabilities: Float64Array): number {
  let total = 0;
  for (let row = 0; row < probabilities.length; row += 1) total += (probabilities[row]! - positive[row]!) ** 2;
  return total / probabilities.length;
}

/**
 * Expected calibration error (Naeini et al. 2015): rows in bins of equal width by probability; the mean over rows of how
 * far a bin's mean probability is from the share of positives in it.
 */
export function calibrationError(positive: ArrayLike<number>, probabilities: Float64Array, binCount = 10): number {
  const gaps = new Float64Array(binCount);
  for (let row = 0; row < probabilities.length; row += 1) {
    const bin = Math.min(binCount - 1, Math.floor(probabilities[row]! * binCount));
    gaps[bin]! += probabilities[row]! - positive[row]!;
  }
  return gaps.reduce((total, gap) => total + Math.abs(gap), 0) / probabilities.length;
}
