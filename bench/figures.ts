/** Percentiles of recorded times, and numbers as tables show them. */

/** Nearest rank; the samples are sorted in place. */
export function percentiles(samples: number[]): { readonly p50: number; readonly p99: number; readonly max: number } {
  if (samples.length === 0) throw new Error("Nothing was measured.");
  samples.sort((a, b) => a - b);
  const rank = (share: number): number => samples[Math.ceil(share * samples.length) - 1]!;
  return { p50: rank(0.5), p99: rank(0.99), max: rank(1) };
}

/** Three significant digits, or whole numbers above 100. */
export const rounded = (value: number): number => (Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
