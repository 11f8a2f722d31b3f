/**
 * What is fitted to rows a model did not learn from: its confidences, how they decide, and the intervals of its numbers.
 * With folds these rows are also measured, so each fold gets what was fitted to the others.
 */
import { calibrated, type Calibration, fitIntervals, halfWidthAt, decide, recalibrated } from "@streamer/models";
import type { JsonObject } from "@streamer/protocol";
import type { Warning } from "../../warnings.ts";
import type { ProcessOptions } from "../options.ts";
import type { Target } from "../preprocess/target.ts";
import { decisionOf, positiveCode, type DecisionTerms } from "./decisions.ts";
import type { Supervised } from "./fit-supervised.ts";
import type { Fittings } from "./saved-model.ts";

/** Rows that were predicted by a model that had not seen them. */
export interface HeldOut {
  readonly rows: Int32Array;
  readonly y: Float64Array;
  readonly predicted: Float64Array;
  /** The fold of each row, when there are folds. */
  readonly fold?: Int32Array;
  /** With folds: what was decided of each class, and half the width of each number's interval. */
  readonly codes?: Int32Array;
  readonly halfWidth?: Float64Array;
}

export interface TrustTerms {
  readonly target: Target;
  readonly options: ProcessOptions;
  /** Training rows by class; empty for a number. */
  readonly counts: readonly number[];
}

export interface Trusted {
  readonly model: Supervised;
  readonly calibration?: Calibration | undefined;
  readonly fittings: Fittings;
  readonly chosen?: JsonObject | undefined;
  readonly warnings: readonly Warning[];
}

/** A recall of fewer rows is known to a tenth or so. */
const FEW_POSITIVES = 50;

/** Without held-out rows the model stays as it is. */
export function trusted(model: Supervised, held: HeldOut | undefined, terms: TrustTerms): Trusted {
  const { target, options } = terms;
  if (target.kind === "number" || model.kind === "regressor") {
    const hasIntervals = held && options.calibration;
    return {
      model,
      warnings: [],
      fittings: hasIntervals ? { intervals: fitIntervals(held.y, held.predicted, options.interval_level) } : {},
    };
  }
  const better =
    held && options.calibration ? calibrated(model, { codes: Int32Array.from(held.y), probabilities: held.predicted }) : undefined;
  const decisionTerms = decisionTermsOf(terms, better !== undefined);
  const { decision, chosen } = decisionOf(
    held && { y: held.y, predicted: shownOf(held, held, { target, method: better?.calibration.method }) },
    decisionTerms,
  );
  return {
    model: better?.model ?? model,
    calibration: better?.calibration,
    fittings: { decision, positive: decisionTerms.positive },
    chosen,
    warnings: fewPositives(target, decisionTerms.positive, chosen),
  };
}

function fewPositives({ column, classes }: Target, positive: number | undefined, chosen: JsonObject | undefined): Warning[] {
  const positives = chosen?.["positives"];
  if (positive === undefined || typeof positives !== "number" || positives === 0 || positives >= FEW_POSITIVES) return [];
  const rows = positives === 1 ? "1 row" : `${positives} rows`;
  const message = `The threshold for "${classes[positive]!}" was chosen on ${rows} of it: others may do better or worse by a tenth and more. options.folds chooses it on all rows there are.`;
  return [{ kind: "few_positives", message, column, count: positives }];
}

/** With folds: the held-out rows as they will be measured and shown. */
export function crossFitted(
  held: Required<Pick<HeldOut, "fold">> & HeldOut,
  { calibration, fittings }: Trusted,
  terms: TrustTerms,
): HeldOut {
  const { target, options } = terms;
  const { decision, intervals } = fittings;
  if (intervals) return { ...held, halfWidth: crossWidths(held, options.interval_level) };
  if (target.kind === "number" || !decision) return held;
  const classCount = target.classes.length;
  if (decision.by === "most_probable") return { ...held, codes: decide(held.predicted, classCount, decision) };
  const predicted = new Float64Array(held.predicted.length);
  const codes = new Int32Array(held.y.length);
  for (const fold of new Set(held.fold)) {
    const [others, own] = [partOf(held, (one) => one !== fold, classCount), partOf(held, (one) => one === fold, classCount)];
    const method = { target, method: calibration?.method };
    const shown = shownOf(others, own, method);
    const learned = { y: others.y, predicted: shownOf(others, others, method) };
    const { decision: cross } = decisionOf(learned, decisionTermsOf(terms, calibration !== undefined));
    const decided = decide(shown, classCount, cross);
    own.rows.forEach((place, at) => {
      codes[place] = decided[at]!;
      predicted.set(shown.subarray(at * classCount, (at + 1) * classCount), place * classCount);
    });
  }
  return { ...held, predicted, codes };
}

function crossWidths(held: Required<Pick<HeldOut, "fold">> & HeldOut, level: number): Float64Array {
  const widths = new Float64Array(held.y.length);
  for (const fold of new Set(held.fold)) {
    const others = partOf(held, (one) => one !== fold, 1);
    const band = fitIntervals(others.y, others.predicted, level);
    held.fold.forEach((one, place) => {
      if (one === fold) widths[place] = halfWidthAt(band, held.predicted[place]!);
    });
  }
  return widths;
}

const decisionTermsOf = ({ target, options, counts }: TrustTerms, isCalibrated: boolean): DecisionTerms => ({
  target,
  options,
  counts,
  isCalibrated,
  positive: positiveCode(target, options, counts),
});

interface Part {
  readonly y: Float64Array;
  readonly predicted: Float64Array;
}

/** The probabilities of `own` as they will be shown: bent by a curve fitted to `fitted`, where the model has one. */
function shownOf(
  fitted: Part,
  own: Part,
  { target, method }: { readonly target: Target; readonly method: Calibration["method"] | undefined },
): Float64Array {
  if (method === undefined) return own.predicted;
  const held = { codes: Int32Array.from(fitted.y), probabilities: fitted.predicted };
  return recalibrated(held, own.predicted, { classCount: target.classes.length, method });
}

/** Rows of some folds; `rows` are their places. */
function partOf(
  { y, predicted, fold }: Required<Pick<HeldOut, "fold">> & HeldOut,
  picks: (fold: number) => boolean,
  width: number,
): Part & { readonly rows: Int32Array } {
  const rows = Int32Array.from(fold.keys()).filter((row) => picks(fold[row]!));
  return {
    rows,
    y: Float64Array.from(rows, (row) => y[row]!),
    predicted: Float64Array.from(
      { length: rows.length * width },
      (_, at) => predicted[rows[Math.floor(at / width)]! * width + (at % width)]!,
    ),
  };
}
