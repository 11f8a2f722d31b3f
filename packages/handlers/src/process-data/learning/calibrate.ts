/**
 * Confidences that mean what they say, fitted to rows the model did not learn from. Classes: a curve a class (see
 * models/calibration.ts). Numbers: split conformal intervals (Lei et al., "Distribution-free predictive inference for
 * regression", 2018): the quantile of the held-out absolute errors, with the finite-sample correction (n + 1) / n.
 */
import { calibrationError } from "../metrics/probabilities.ts";
import { mostProbable } from "../metrics/classification.ts";
import { calibrate, type CalibrationMethod } from "../models/calibration.ts";
import type { Classifier } from "../models/model.ts";

export interface Calibration {
  readonly method: CalibrationMethod;
  readonly rows: number;
  /** Expected calibration error of the bare model on those rows. */
  readonly errorBefore: number;
}

/** From here on a curve that follows anything does not follow noise. */
const ISOTONIC_ROWS = 1_000;
/** Fewer rows, or fewer of a class, make a curve of their noise. */
const MIN_ROWS = 200;
const MIN_CLASS_ROWS = 10;

/** Undefined when the held-out rows are too few. */
export function calibrated(
  model: Classifier,
  { codes, probabilities }: { readonly codes: Int32Array; readonly probabilities: Float64Array },
): { readonly model: Classifier; readonly calibration: Calibration } | undefined {
  const { classCount } = model;
  const rowsOf = new Int32Array(classCount);
  for (const code of codes) rowsOf[code]! += 1;
  if (codes.length < MIN_ROWS || rowsOf.some((rows) => rows < MIN_CLASS_ROWS)) return undefined;
  const method = codes.length >= ISOTONIC_ROWS ? "isotonic" : "platt";
  return {
    model: calibrate(model, probabilities, { codes, classCount }, method),
    calibration: { method, rows: codes.length, errorBefore: confidenceError(codes, probabilities, classCount) },
  };
}

/** How far confidences are from the share of right answers. */
export function confidenceError(codes: Int32Array, probabilities: Float64Array, classCount: number): number {
  const guesses = mostProbable(probabilities, classCount);
  const right = Uint8Array.from(codes, (code, row) => (code === guesses[row] ? 1 : 0));
  const confidences = Float64Array.from(guesses, (guess, row) => probabilities[row * classCount + guess]!);
  return calibrationError(right, confidences);
}

/** Half the width of an interval that holds `level` of the true values. */
export function intervalHalfWidth(truth: Float64Array, predicted: Float64Array, level: number): number {
  const errors = truth.map((value, row) => Math.abs(value - predicted[row]!)).toSorted();
  const rank = Math.ceil((errors.length + 1) * level) - 1;
  return errors[Math.min(rank, errors.length - 1)] ?? Number.NaN;
}
