/** Spans of time as people say them. */

interface Measure {
  readonly amount: string;
  readonly unit: "s" | "min" | "h" | "d";
}

/** In the largest unit of which there are two or so. */
export function measure(ms: number): Measure {
  if (ms < 1_000) return { amount: "<1", unit: "s" };
  const seconds = Math.round(ms / 1_000);
  if (seconds < 90) return { amount: String(seconds), unit: "s" };
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return { amount: String(minutes), unit: "min" };
  const hours = Math.round(minutes / 60);
  return hours < 48 ? { amount: String(hours), unit: "h" } : { amount: String(Math.round(hours / 24)), unit: "d" };
}

export function formatSpan(ms: number): string {
  const { amount, unit } = measure(ms);
  return `${amount} ${unit}`;
}
