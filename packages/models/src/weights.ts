/** Row and class weights become one weight a row; undefined means every row weighs 1, which fits treat faster. */
import type { ClassWeighting, Labels } from "./model.ts";

export function rowWeightsOf({ codes, classCount }: Labels, { rowWeights, classWeights }: ClassWeighting): Float64Array | undefined {
  if (classWeights === undefined) return rowWeights;
  const perClass = classWeights === "balanced" ? balanced(codes, classCount) : classWeights;
  return Float64Array.from(codes, (code, row) => perClass[code]! * (rowWeights?.[row] ?? 1));
}

function balanced(codes: Int32Array, classCount: number): Float64Array {
  const counts = new Float64Array(classCount);
  for (const code of codes) counts[code]! += 1;
  return counts.map((count) => (count === 0 ? 0 : codes.length / (classCount * count)));
}

export const totalWeight = (rowCount: number, rowWeights: Float64Array | undefined): number =>
  rowWeights ? weightedSum(rowWeights) : rowCount;

/** Σ value × weight; without weights, Σ value. */
function weightedSum(values: ArrayLike<number>, weights?: Float64Array): number {
  let total = 0;
  if (weights) for (let row = 0; row < values.length; row += 1) total += values[row]! * weights[row]!;
  else for (let row = 0; row < values.length; row += 1) total += values[row]!;
  return total;
}

export const weightedMean = (values: ArrayLike<number>, weights?: Float64Array): number =>
  weightedSum(values, weights) / totalWeight(values.length, weights);
