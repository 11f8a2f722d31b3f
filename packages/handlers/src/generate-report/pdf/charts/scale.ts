/** Round values along an axis, and which labels stand under it. */

/** Steps of 1, 2, 2.5 or 5 times a power of ten from below the least to above the most, zero among them. */
export function ticksOf(least: number, most: number, wanted = 4): readonly number[] {
  const low = Math.min(0, least);
  const high = Math.max(0, most);
  if (low === high) return [0, 1];
  const step = niceStep((high - low) / wanted);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const part = rough / power;
  const nice = [1, 2, 2.5, 5, 10].find((one) => part <= one + 1e-9) ?? 10;
  return nice * power;
}

/** Steps from label to label that readers count along with: months by quarters, days by weeks. */
const STEPS = {
  day: [1, 2, 7, 14],
  week: [1, 2, 4, 13, 26],
  month: [1, 2, 3, 6, 12],
  quarter: [1, 2, 4, 8],
  year: [1, 2, 5, 10, 20, 50],
} as const;

/** From the first on, every how many labels are printed so that all of those fit: the rest is left out evenly. */
export function labelStep(unit: keyof typeof STEPS, widest: number, places: { readonly count: number; readonly width: number }): number {
  const each = places.width / Math.max(1, places.count);
  const steps = STEPS[unit];
  return steps.find((step) => step * each >= widest) ?? Math.ceil(widest / each);
}
