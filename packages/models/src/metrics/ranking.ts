/**
 * How well scores order rows, whatever the threshold: ROC-AUC, average precision, and what happens at the n highest.
 * Rows with equal scores are taken together, so that the order of the input never matters. Where the rows hold one class
 * only there is nothing to order: NaN, which the caller reports as absent.
 */

/** Told for each distinct score, from the highest down: rows with at least that score. */
type Cut = (truePositives: number, falsePositives: number, score: number) => void;

/** `positive` holds 1 for positive rows, 0 for the others. */
export function rocAuc(positive: ArrayLike<number>, scores: Float64Array): number {
  let doubledArea = 0;
  let [truesBefore, falsesBefore] = [0, 0];
  forEachCut(positive, scores, (trues, falses) => {
    doubledArea += (falses - falsesBefore) * (trues + truesBefore);
    [truesBefore, falsesBefore] = [trues, falses];
  });
  return doubledArea / (2 * truesBefore * falsesBefore);
}

/** Area under the precision-recall curve as the sum of precision × gain in recall, without interpolation. */
export function averagePrecision(positive: ArrayLike<number>, scores: Float64Array): number {
  let area = 0;
  let truesBefore = 0;
  forEachCut(positive, scores, (trues, falses) => {
    area += (trues - truesBefore) * (trues / (trues + falses));
    truesBefore = trues;
  });
  return area / truesBefore;
}

/** Mean of the ROC-AUCs of each class against the others, over the classes that have rows on both sides. */
export function rocAucOneVsRest(truth: Int32Array, probabilities: Float64Array, classCount: number): number {
  const areas = Array.from({ length: classCount }, (_, code) => {
    const positive = Uint8Array.from(truth, (value) => (value === code ? 1 : 0));
    return rocAuc(positive, columnOf(probabilities, code, classCount));
  }).filter((area) => !Number.isNaN(area));
  return areas.reduce((total, area) => total + area, 0) / areas.length;
}

/** Mean of the average precisions of each class against the others, over the classes that have rows. */
export function averagePrecisionOneVsRest(truth: Int32Array, probabilities: Float64Array, classCount: number): number {
  const areas = Array.from({ length: classCount }, (_, code) => {
    const positive = Uint8Array.from(truth, (value) => (value === code ? 1 : 0));
    return averagePrecision(positive, columnOf(probabilities, code, classCount));
  }).filter((area) => !Number.isNaN(area));
  return areas.reduce((total, area) => total + area, 0) / areas.length;
}

/** One class's probabilities of a row-major table. */
export function columnOf(probabilities: Float64Array, code: number, classCount: number): Float64Array {
  return Float64Array.from({ length: probabilities.length / classCount }, (_, row) => probabilities[row * classCount + code]!);
}

/** 1 for the `count` rows of highest score (the earlier row of equals), 0 for the others. */
export function flagHighest(scores: Float64Array, count: number): Int32Array {
  const flags = new Int32Array(scores.length);
  if (count === 0) return flags;
  const threshold = scores.toSorted()[scores.length - count]!;
  let equalsLeft = count;
  for (const score of scores) if (score > threshold) equalsLeft -= 1;
  for (let row = 0; row < scores.length; row += 1) {
    const isTaken = scores[row]! > threshold || (scores[row] === threshold && equalsLeft > 0);
    if (!isTaken) continue;
    flags[row] = 1;
    if (scores[row] === threshold) equalsLeft -= 1;
  }
  return flags;
}

/** Precision, recall and F1 of flags against the truth, both 0 or 1. */
export function flagScores(
  positive: ArrayLike<number>,
  flags: Int32Array,
): { readonly precision: number; readonly recall: number; readonly f1: number } {
  let hits = 0;
  let flagged = 0;
  let positives = 0;
  for (let row = 0; row < flags.length; row += 1) {
    flagged += flags[row]!;
    positives += positive[row]!;
    hits += flags[row]! * positive[row]!;
  }
  const precision = flagged === 0 ? 0 : hits / flagged;
  const recall = positives === 0 ? 0 : hits / positives;
  return { precision, recall, f1: hits === 0 ? 0 : (2 * precision * recall) / (precision + recall) };
}

/** Both sides are sorted as plain numbers and merged: a million rows take a tenth of a sort by comparison. */
export function forEachCut(positive: ArrayLike<number>, scores: Float64Array, cut: Cut): void {
  const trues = scores.filter((_, row) => positive[row] === 1).sort();
  const falses = scores.filter((_, row) => positive[row] !== 1).sort();
  let truesLeft = trues.length;
  let falsesLeft = falses.length;
  while (truesLeft + falsesLeft > 0) {
    const score = Math.max(trues[truesLeft - 1] ?? -Infinity, falses[falsesLeft - 1] ?? -Infinity);
    while (truesLeft > 0 && !(trues[truesLeft - 1]! < score)) truesLeft -= 1;
    while (falsesLeft > 0 && !(falses[falsesLeft - 1]! < score)) falsesLeft -= 1;
    cut(trues.length - truesLeft, falses.length - falsesLeft, score);
  }
}
