/**
 * How well predicted classes agree with the true ones: everything follows from the confusion matrix, so it is counted
 * once and large data is never read twice. A ratio whose denominator is 0 counts as 0 (a class never predicted has
 * precision 0); a class that is neither true nor predicted in these rows is left out of the averages.
 */
interface ClassScores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

export interface ClassificationScores {
  readonly accuracy: number;
  readonly balancedAccuracy: number;
  /** Matthews correlation over all classes (Gorodkin 2004); 0 where one side is constant. */
  readonly matthewsCorrelation: number;
  readonly macro: ClassScores;
  /** Averages weighted by each class's share of the true rows. */
  readonly weighted: ClassScores;
  readonly perClass: readonly (ClassScores & { readonly support: number })[];
}

/** Counts, row = true class, column = predicted class. */
export function confusionMatrix(truth: Int32Array, predicted: Int32Array, classCount: number): number[][] {
  const counts = Array.from({ length: classCount }, () => Array.from({ length: classCount }, () => 0));
  for (let row = 0; row < truth.length; row += 1) counts[truth[row]!]![predicted[row]!]! += 1;
  return counts;
}

export function classificationScores(confusion: readonly (readonly number[])[]): ClassificationScores {
  const supports = confusion.map(sum);
  const predictedCounts = confusion.map((_, column) => sum(confusion.map((row) => row[column]!)));
  const perClass = confusion.map((row, code) => {
    const precision = ratio(row[code]!, predictedCounts[code]!);
    const recall = ratio(row[code]!, supports[code]!);
    return { precision, recall, f1: ratio(2 * precision * recall, precision + recall), support: supports[code]! };
  });
  const total = sum(supports);
  const correct = sum(confusion.map((row, code) => row[code]!));
  const seen = perClass.filter((_, code) => supports[code]! + predictedCounts[code]! > 0);
  const withRows = perClass.filter(({ support }) => support > 0);
  return {
    accuracy: ratio(correct, total),
    balancedAccuracy: mean(withRows.map(({ recall }) => recall)),
    matthewsCorrelation: matthews(correct, supports, predictedCounts),
    macro: average(seen, () => 1),
    weighted: average(seen, ({ support }) => support),
    perClass,
  };
}

/** The class with the highest probability of each row; the first of equals. */
export function mostProbable(probabilities: Float64Array, classCount: number): Int32Array {
  const codes = new Int32Array(probabilities.length / classCount);
  for (let row = 0; row < codes.length; row += 1) {
    const at = row * classCount;
    let best = 0;
    for (let code = 1; code < classCount; code += 1) if (probabilities[at + code]! > probabilities[at + best]!) best = code;
    codes[row] = best;
  }
  return codes;
}

function matthews(correct: number, supports: readonly number[], predictedCounts: readonly number[]): number {
  const total = sum(supports);
  const products = (a: readonly number[], b: readonly number[]): number => sum(a.map((value, index) => value * b[index]!));
  const covariance = correct * total - products(supports, predictedCounts);
  const spread = Math.sqrt(total ** 2 - products(supports, supports)) * Math.sqrt(total ** 2 - products(predictedCounts, predictedCounts));
  return ratio(covariance, spread);
}

function average<T extends ClassScores>(classes: readonly T[], weight: (one: T) => number): ClassScores {
  const total = sum(classes.map(weight));
  const of = (pick: (one: T) => number): number => ratio(sum(classes.map((one) => pick(one) * weight(one))), total);
  return { precision: of((one) => one.precision), recall: of((one) => one.recall), f1: of((one) => one.f1) };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => ratio(sum(values), values.length);
const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
