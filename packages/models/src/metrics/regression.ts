/** How far predicted numbers are from the true ones. */
export interface RegressionScores {
  readonly mse: number;
  readonly rmse: number;
  readonly mae: number;
  /** 1 - squared error / squared distance from the mean. A constant target: 1 if every row is right, otherwise 0. */
  readonly r2: number;
  readonly medianAbsoluteError: number;
  /** As r2, but an error that is the same everywhere costs nothing. */
  readonly explainedVariance: number;
  readonly maxError: number;
}

export function regressionScores(truth: Float64Array, predicted: Float64Array): RegressionScores {
  const errors = truth.map((value, row) => value - predicted[row]!);
  const absolute = errors.map(Math.abs);
  const mse = sum(errors.map((error) => error * error)) / errors.length;
  return {
    mse,
    rmse: Math.sqrt(mse),
    mae: sum(absolute) / absolute.length,
    r2: shareExplained(mse, variance(truth)),
    medianAbsoluteError: median(absolute),
    explainedVariance: shareExplained(variance(errors), variance(truth)),
    maxError: absolute.reduce((most, error) => Math.max(most, error), 0),
  };
}

function shareExplained(unexplained: number, total: number): number {
  if (total === 0) return unexplained === 0 ? 1 : 0;
  return 1 - unexplained / total;
}

function variance(values: Float64Array): number {
  const mean = sum(values) / values.length;
  return sum(values.map((value) => (value - mean) ** 2)) / values.length;
}

function median(values: Float64Array): number {
  const sorted = values.toSorted();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
