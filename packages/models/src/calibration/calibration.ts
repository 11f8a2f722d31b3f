/**
 * Probabilities that mean what they say: of rows given 0.8, eight in ten should be so. A calibrated classifier passes its
 * model's probabilities through a curve a class, learned on rows the model has not seen: Platt's (1999) sigmoid where
 * these are few, or isotonic regression, which follows any rising curve, where they are many.
 */
import { fitIsotonic, isotonicAt, type Isotonic } from "./isotonic.ts";
import type { Classifier, Labels, Model } from "../model.ts";
import { damaged, type ModelJson, packNumbers, readObject, unpackFloats } from "../packing.ts";
import { fitPlatt, plattAt, type Platt } from "./platt.ts";

export type CalibrationMethod = "platt" | "isotonic";

type Curve = { readonly platt: Platt } | { readonly isotonic: Isotonic };

/** `probabilities`: what the model answers for rows it was not fitted on, whose labels are given. */
export function calibrate(model: Classifier, probabilities: Float64Array, labels: Labels, method: CalibrationMethod): Classifier {
  const { codes, classCount } = labels;
  // Of two classes the second's curve says it all.
  const calibrated = classCount === 2 ? [1] : Array.from({ length: classCount }, (_, code) => code);
  const curves = calibrated.map((calibratedCode): Curve => {
    const positive = Uint8Array.from(codes, (code) => (code === calibratedCode ? 1 : 0));
    const own = Float64Array.from(codes, (_, row) => probabilities[row * classCount + calibratedCode]!);
    return method === "platt" ? { platt: fitPlatt(own, positive) } : { isotonic: fitIsotonic(own, positive) };
  });
  return calibratedClassifier(model, curves);
}

function calibratedClassifier(model: Classifier, curves: readonly Curve[]): Classifier {
  const { classCount } = model;
  return {
    kind: "classifier",
    classCount,
    predictProbabilities: (x) => {
      const probabilities = model.predictProbabilities(x);
      for (let at = 0; at < probabilities.length; at += classCount) correct(probabilities.subarray(at, at + classCount), curves);
      return probabilities;
    },
    importances: () => model.importances(),
    curve: model.curve,
    toJSON: (): ModelJson => ({ model: "calibrated", base: model.toJSON(), curves: curves.map(curveToJson) }),
  };
}

function correct(row: Float64Array, curves: readonly Curve[]): void {
  if (curves.length === 1) {
    row[1] = at(curves[0]!, row[1]!);
    row[0] = 1 - row[1];
    return;
  }
  let total = 0;
  curves.forEach((curve, code) => (total += row[code] = at(curve, row[code]!)));
  row.forEach((value, code) => (row[code] = total === 0 ? 1 / row.length : value / total));
}

const at = (curve: Curve, probability: number): number =>
  "platt" in curve ? plattAt(curve.platt, probability) : isotonicAt(curve.isotonic, probability);

const curveToJson = (curve: Curve): ModelJson =>
  "platt" in curve
    ? { platt: packNumbers(Float64Array.of(curve.platt.slope, curve.platt.intercept)) }
    : { positions: packNumbers(curve.isotonic.positions), heights: packNumbers(curve.isotonic.heights) };

function curveFromJson(json: ModelJson): Curve {
  if (json.platt === undefined) return { isotonic: { positions: unpackFloats(json, "positions"), heights: unpackFloats(json, "heights") } };
  const [slope = Number.NaN, intercept = Number.NaN] = unpackFloats(json, "platt");
  return { platt: { slope, intercept } };
}

/** `restore`: brings back the model inside. */
export function restoreCalibrated(json: ModelJson, restore: (json: ModelJson) => Model): Classifier {
  const { curves } = json;
  if (!Array.isArray(curves)) throw damaged("curves");
  const model = restore(readObject(json, "base"));
  if (model.kind !== "classifier") throw damaged("base");
  return calibratedClassifier(model, (curves as ModelJson[]).map(curveFromJson));
}
