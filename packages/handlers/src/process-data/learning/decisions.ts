/**
 * How a classifier's probabilities decide. Balanced weights ask for every class to count the same; calibration gives the
 * probabilities back how rare classes are, and the decision has to be made against these shares then, or the weights
 * would be undone. A threshold is chosen on held-out rows, never on those the metrics are of.
 */
import { chooseThreshold, columnOf, type Decision, type ThresholdGoal } from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import type { ProcessOptions } from "../options.ts";
import type { Target } from "../preprocess/target.ts";
import { invalid, listed, unusable } from "../problem.ts";

export interface Decided {
  readonly decision: Decision;
  /** What it was chosen for, and what it gives on the rows it was chosen on. */
  readonly chosen?: JsonObject | undefined;
}

/** Refuses what the classes of the data cannot give; what can be seen without them is refused by the schema. */
export function refuseDecision({ kind, classes, column }: Target, { decide_by, positive_class }: ProcessOptions): void {
  if (kind === "number" || (decide_by === "auto" && positive_class === undefined)) return;
  const field = positive_class === undefined ? "options.decide_by" : "options.positive_class";
  if (classes.length !== 2) throw invalid(field, `needs two classes, and "${column}" has ${classes.length} (${listed(classes)})`);
  if (positive_class !== undefined && !classes.includes(positive_class))
    throw invalid("options.positive_class", `"${positive_class}" is no class of "${column}"; its classes are ${listed(classes)}`);
}

/** Of two classes the one that is looked for: as asked, or the rarer. `counts`: training rows by class. */
export function positiveCode({ classes }: Target, { positive_class }: ProcessOptions, counts: readonly number[]): number | undefined {
  if (classes.length !== 2) return undefined;
  if (positive_class !== undefined) return classes.indexOf(positive_class);
  return counts[0]! < counts[1]! ? 0 : 1;
}

export interface DecisionTerms {
  readonly target: Target;
  readonly options: ProcessOptions;
  readonly positive: number | undefined;
  /** Training rows by class. */
  readonly counts: readonly number[];
  readonly isCalibrated: boolean;
}

/** Rows that were not learned from, with the probabilities that will be shown of such. */
interface Held {
  readonly y: Float64Array;
  readonly predicted: Float64Array;
}

export function decisionOf(held: Held | undefined, { target, options, positive, counts, isCalibrated }: DecisionTerms): Decided {
  const { decide_by, class_weights } = options;
  if (decide_by !== "auto" && positive !== undefined) {
    if ("threshold" in decide_by) return { decision: { by: "threshold", positive, threshold: decide_by.threshold } };
    return chosenThreshold(held!, { target, positive, decide_by });
  }
  const total = counts.reduce((sum, rows) => sum + rows, 0);
  // Weighted probabilities speak of classes that are equally common: only calibration brings their shares back.
  if (class_weights === "none" || !isCalibrated || total === 0) return { decision: { by: "most_probable" } };
  const shares = counts.map((rows) => rows / total);
  return { decision: positive === undefined ? { by: "shares", shares } : { by: "threshold", positive, threshold: shares[positive]! } };
}

type Asked = Exclude<ProcessOptions["decide_by"], "auto" | { threshold: number }>;

function chosenThreshold(
  { y, predicted }: Held,
  { target, positive, decide_by }: { readonly target: Target; readonly positive: number; readonly decide_by: Asked },
): Decided {
  const isPositive = Uint8Array.from(y, (code) => (code === positive ? 1 : 0));
  const chosen = chooseThreshold(isPositive, columnOf(predicted, positive, 2), goalOf(decide_by));
  if (!chosen) {
    throw unusable(
      `None of the ${y.length} held-out rows is "${target.classes[positive]!}": there is nothing to choose a threshold on. Give more rows of it, set options.decide_by to a threshold of your own, or use options.folds.`,
    );
  }
  const { threshold, precision, recall } = chosen;
  return {
    decision: { by: "threshold", positive, threshold },
    chosen: { rows: y.length, positives: isPositive.reduce((sum, one) => sum + one, 0), precision, recall },
  };
}

function goalOf(asked: Asked): ThresholdGoal {
  if (!("cost" in asked)) return asked;
  return { cost: { falsePositive: asked.cost.false_positive, falseNegative: asked.cost.false_negative } };
}
