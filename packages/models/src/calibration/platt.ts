/**
 * Platt scaling: p' = sigmoid(slope × logit(p) + intercept), by Newton's method with the step halved until the loss falls
 * (Lin, Lin and Weng 2007). Targets are drawn in by one row each side, as Platt did, so that a perfect order of few rows
 * does not ask for an infinite slope.
 */
export interface Platt {
  readonly slope: number;
  readonly intercept: number;
}

const MAX_ITERATIONS = 100;
const CLOSEST_TO_CERTAIN = 1e-12;

export const plattAt = ({ slope, intercept }: Platt, probability: number): number =>
  1 / (1 + Math.exp(-(slope * logit(probability) + intercept)));

export function fitPlatt(probabilities: Float64Array, positive: ArrayLike<number>): Platt {
  const logits = probabilities.map(logit);
  const positives = Array.from(positive).reduce((total, value) => total + value, 0);
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (logits.length - positives + 2);
  const targets = logits.map((_, row) => (positive[row] === 1 ? high : low));
  let here: Platt = { slope: 1, intercept: 0 };
  let loss = lossOf(here, logits, targets);
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration += 1) {
    const step = newtonStep(here, logits, targets);
    let share = 1;
    let next = here;
    let nextLoss = Infinity;
    for (; share > 1e-10 && !(nextLoss < loss); share /= 2) {
      next = { slope: here.slope + share * step.slope, intercept: here.intercept + share * step.intercept };
      nextLoss = lossOf(next, logits, targets);
    }
    if (!(nextLoss < loss)) break;
    [here, loss] = [next, nextLoss];
  }
  return here;
}

function newtonStep({ slope, intercept }: Platt, logits: Float64Array, targets: Float64Array): Platt {
  // A little of the identity keeps the Hessian invertible where all probabilities are near 0 or 1.
  let h11 = 1e-12;
  let h22 = 1e-12;
  let h12 = 0;
  let g1 = 0;
  let g2 = 0;
  for (let row = 0; row < logits.length; row += 1) {
    const probability = 1 / (1 + Math.exp(-(slope * logits[row]! + intercept)));
    const curvature = probability * (1 - probability);
    const error = probability - targets[row]!;
    h11 += logits[row]! ** 2 * curvature;
    h12 += logits[row]! * curvature;
    h22 += curvature;
    g1 += logits[row]! * error;
    g2 += error;
  }
  const determinant = h11 * h22 - h12 * h12;
  return { slope: -(h22 * g1 - h12 * g2) / determinant, intercept: -(h11 * g2 - h12 * g1) / determinant };
}

function lossOf({ slope, intercept }: Platt, logits: Float64Array, targets: Float64Array): number {
  let loss = 0;
  for (let row = 0; row < logits.length; row += 1) {
    const value = slope * logits[row]! + intercept;
    loss += Math.max(value, 0) - targets[row]! * value + Math.log1p(Math.exp(-Math.abs(value)));
  }
  return loss;
}

function logit(probability: number): number {
  const kept = Math.min(1 - CLOSEST_TO_CERTAIN, Math.max(CLOSEST_TO_CERTAIN, probability));
  return Math.log(kept / (1 - kept));
}
