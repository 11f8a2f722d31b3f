/**
 * What a classifier decides by its probabilities. The most probable class is right most often; where classes are rare, or
 * mistakes cost differently, another cut through the same probabilities serves better (Elkan, "The foundations of
 * cost-sensitive learning", 2001). A cut is chosen on rows that the model did not learn from, and is kept with the model:
 * confidences can then mean what they say without deciding anything.
 */
import { forEachCut } from "../metrics/ranking.ts";
import { mostProbable } from "../metrics/classification.ts";

export type Decision =
  | { readonly by: "most_probable" }
  /** Of two classes: the positive one from this probability on. */
  | { readonly by: "threshold"; readonly positive: number; readonly threshold: number }
  /** The class whose probability is the largest part of its share: every class counts the same, however rare. */
  | { readonly by: "shares"; readonly shares: readonly number[] };

/** What a threshold is chosen for. */
export type ThresholdGoal =
  | { readonly measure: "f1" }
  | { readonly recall: number }
  | { readonly precision: number }
  | { readonly cost: { readonly falsePositive: number; readonly falseNegative: number } };

export function decide(probabilities: Float64Array, classCount: number, decision: Decision): Int32Array {
  if (decision.by === "most_probable") return mostProbable(probabilities, classCount);
  if (decision.by === "shares") {
    const { shares } = decision;
    return mostProbable(
      probabilities.map((probability, at) => probability / (shares[at % classCount]! || Infinity)),
      classCount,
    );
  }
  const { positive, threshold } = decision;
  return Int32Array.from({ length: probabilities.length / 2 }, (_, row) =>
    probabilities[2 * row + positive]! >= threshold ? positive : 1 - positive,
  );
}

export interface ChosenThreshold {
  readonly threshold: number;
  /** On the rows it was chosen on. */
  readonly precision: number;
  readonly recall: number;
}

interface Cut extends ChosenThreshold {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
}

/** `positive`: 1 for positive rows. The best cut between two scores that occur; undefined where no row is positive. */
export function chooseThreshold(positive: ArrayLike<number>, scores: Float64Array, goal: ThresholdGoal): ChosenThreshold | undefined {
  const positives = Array.from(positive).reduce((total, value) => total + value, 0);
  if (positives === 0) return undefined;
  const cuts = cutsOf(positive, scores, positives);
  const lossOf = lossFor(goal);
  // From the highest threshold down: of equals the first flags the fewest rows.
  const { threshold, precision, recall } = cuts.reduce((best, cut) => (lossOf(cut) < lossOf(best) ? cut : best));
  return { threshold, precision, recall };
}

function cutsOf(positive: ArrayLike<number>, scores: Float64Array, positives: number): Cut[] {
  const cuts: Cut[] = [
    { threshold: 1 + Number.EPSILON, precision: 0, recall: 0, truePositives: 0, falsePositives: 0, falseNegatives: positives },
  ];
  const at: number[] = [1 + Number.EPSILON];
  forEachCut(positive, scores, (trues, falses, score) => {
    cuts.push({
      threshold: score,
      precision: trues / (trues + falses),
      recall: trues / positives,
      truePositives: trues,
      falsePositives: falses,
      falseNegatives: positives - trues,
    });
    at.push(score);
  });
  // Halfway to the next score below: rows to come will not have the very same scores.
  return cuts.map((cut, place) => ({ ...cut, threshold: (at[place]! + (at[place + 1] ?? 0)) / 2 }));
}

function lossFor(goal: ThresholdGoal): (cut: Cut) => number {
  if ("cost" in goal)
    return ({ falsePositives, falseNegatives }) => falsePositives * goal.cost.falsePositive + falseNegatives * goal.cost.falseNegative;
  // One positive more than there are, as conformal prediction counts: then the recall of rows to come is that on average.
  if ("recall" in goal) {
    return ({ recall, truePositives, falseNegatives }) =>
      truePositives >= goal.recall * (truePositives + falseNegatives + 1) || recall === 1 ? recall - 2 : 1 - recall;
  }
  if ("precision" in goal) return ({ recall, precision }) => (precision >= goal.precision ? -recall : 2 - precision);
  return ({ recall, precision }) => (recall + precision === 0 ? 0 : -(2 * recall * precision) / (recall + precision));
}
