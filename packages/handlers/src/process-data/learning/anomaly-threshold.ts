/**
 * From which score on a row is anomalous, so that at most the share asked for (and one) is. Rows of equal scores are
 * equal: where they are too many to be flagged, none of them is.
 */
export interface AnomalyThreshold {
  /** Rows with at least this score are flagged. */
  readonly threshold: number;
  readonly flagged: number;
  /** Rows that may be flagged. */
  readonly allowed: number;
  /** Rows left unflagged because they are equal in score, and too many; 0 where nothing is tied. */
  readonly tied: number;
}

/** Scores closer than this share of the largest differ by rounding only. */
const ROUNDING = 1e-9;

export function anomalyThreshold(scores: Float64Array, contamination: number): AnomalyThreshold {
  const sorted = scores.toSorted();
  const rounding = ROUNDING * Math.max(Math.abs(sorted[0]!), Math.abs(sorted.at(-1)!));
  const allowed = Math.ceil(contamination * sorted.length);
  const isTied = (place: number): boolean => sorted[place]! - sorted[place - 1]! <= rounding;
  const wanted = sorted.length - allowed;
  let first = wanted;
  while (first > 0 && first < sorted.length && isTied(first)) first += 1;
  const flagged = sorted.length - first;
  if (first === wanted) return { threshold: sorted[first]!, flagged, allowed, tied: 0 };
  let lowest = wanted;
  while (lowest > 0 && isTied(lowest)) lowest -= 1;
  // Above the highest score there is no score to be the threshold: nothing seen so far is anomalous.
  const threshold = sorted[first] ?? sorted.at(-1)! + Math.max(2 * rounding, Number.MIN_VALUE);
  return { threshold, flagged, allowed, tied: first - lowest };
}
