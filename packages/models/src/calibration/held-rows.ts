/**
 * Confidences that mean what they say, fitted to rows the model did not learn from. Classes: a curve a class (see
 * calibration.ts). Numbers: see intervals.ts.
 */
import { mostProbable } from "../metrics/classification.ts";
import { calibrationError, logLoss } from "../metrics/probabilities.ts";
import type { Classifier } from "../model.ts";
import { seededRandom, shuffle } from "../random.ts";
import { calibrate, type CalibrationMethod } from "./calibration.ts";

export interface Calibration {
  readonly method: CalibrationMethod;
  readonly rows: number;
  /** Expected calibration error of the bare model on those rows. */
  readonly errorBefore: number;
}

/** Fewer rows, or fewer of a class, make a curve of their noise. */
const MIN_ROWS = 200;
const MIN_CLASS_ROWS = 10;
/** Isotonic steps of fewer rows of a class put rows level that the model had told apart. */
const MIN_ISOTONIC_CLASS_ROWS = 100;
const METHODS = ["platt", "isotonic"] as const;

export interface HeldRows {
  readonly codes: Int32Array;
  readonly probabilities: Float64Array;
}

/** Undefined when no curve makes the held-out rows likelier, or there are too few of them to say. */
export function calibrated(
  model: Classifier,
  held: HeldRows,
): { readonly model: Classifier; readonly calibration: Calibration } | undefined {
  const { classCount } = model;
  const { codes, probabilities } = held;
  const rowsOf = new Int32Array(classCount);
  for (const code of codes) rowsOf[code]! += 1;
  if (codes.length < MIN_ROWS || rowsOf.some((rows) => rows < MIN_CLASS_ROWS)) return undefined;
  const methods = METHODS.filter((one) => one === "platt" || rowsOf.every((rows) => rows >= MIN_ISOTONIC_CLASS_ROWS));
  const method = bestMethod(held, classCount, methods);
  if (method === undefined) return undefined;
  return {
    model: calibrate(model, probabilities, { codes, classCount }, method),
    calibration: { method, rows: codes.length, errorBefore: confidenceError(codes, probabilities, classCount) },
  };
}

/** Each curve is fitted to half of the held-out rows and judged on the rest: a curve may do harm where none is needed. */
function bestMethod(held: HeldRows, classCount: number, methods: readonly CalibrationMethod[]): CalibrationMethod | undefined {
  const [fitted, judged] = halves(held, classCount);
  const lossOf = (probabilities: Float64Array): number => logLoss(judged.codes, probabilities, classCount);
  let [lowest, best] = [lossOf(judged.probabilities), undefined as CalibrationMethod | undefined];
  for (const method of methods) {
    const curve = calibrate(answering(judged.probabilities, classCount), fitted.probabilities, { codes: fitted.codes, classCount }, method);
    const loss = lossOf(curve.predictProbabilities({ rowCount: judged.codes.length, names: [], columns: [] }));
    if (loss < lowest) [lowest, best] = [loss, method];
  }
  return best;
}

/** What a curve fitted to held rows makes of probabilities that are there already. */
export function recalibrated(
  { codes, probabilities: fitted }: HeldRows,
  probabilities: Float64Array,
  { classCount, method }: { readonly classCount: number; readonly method: CalibrationMethod },
): Float64Array {
  const curve = calibrate(answering(probabilities, classCount), fitted, { codes, classCount }, method);
  return curve.predictProbabilities({ rowCount: probabilities.length / classCount, names: [], columns: [] });
}

/** A classifier that has its answers already: calibration only bends them. */
const answering = (probabilities: Float64Array, classCount: number): Classifier => ({
  kind: "classifier",
  classCount,
  predictProbabilities: () => probabilities.slice(),
  importances: () => undefined,
  toJSON: () => ({}),
});

/** Half of each class by chance, and the others: rows that come in turns are on both sides. */
function halves(held: HeldRows, classCount: number): readonly [HeldRows, HeldRows] {
  const random = seededRandom(held.codes.length);
  const isFirst = new Uint8Array(held.codes.length);
  for (let code = 0; code < classCount; code += 1) {
    const rows = Int32Array.from(held.codes.keys()).filter((row) => held.codes[row] === code);
    for (const row of shuffle(rows, random).subarray(0, Math.ceil(rows.length / 2))) isFirst[row] = 1;
  }
  const half = (side: 0 | 1): HeldRows => ({
    codes: held.codes.filter((_, row) => isFirst[row] === side),
    probabilities: held.probabilities.filter((_, at) => isFirst[Math.floor(at / classCount)] === side),
  });
  return [half(1), half(0)];
}

/** How far confidences are from the share of right answers. */
export function confidenceError(codes: Int32Array, probabilities: Float64Array, classCount: number): number {
  const guesses = mostProbable(probabilities, classCount);
  const right = Uint8Array.from(codes, (code, row) => (code === guesses[row] ? 1 : 0));
  const confidences = Float64Array.from(guesses, (guess, row) => probabilities[row * classCount + guess]!);
  return calibrationError(right, confidences);
}
