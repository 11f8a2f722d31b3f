/** Option values as people write them, read once at the edge; what cannot be right is a usage error. */
import { InvalidArgumentError } from "commander";

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isSafeInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `500ms`, `30s`, `10m`, `2h`, `7d`; a bare number is seconds. */
export function duration(text: string): number {
  const [, amount, unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim()) ?? [];
  if (amount === undefined) throw new InvalidArgumentError("Give a duration such as 500ms, 30s, 10m, 2h or 7d.");
  return Math.round(Number(amount) * UNITS_MS[unit]!);
}

/** The same the other way round, exactly. */
export function durationText(ms: number): string {
  if (ms === 0) return "0s";
  const [unit, size] = Object.entries(UNITS_MS).findLast(([, one]) => ms % one === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}

/** How long ago, as a duration, or a date or time: in epoch ms. A date without a time is its midnight in UTC. */
export function moment(text: string): number {
  const time = Date.parse(text);
  if (Number.isFinite(time) && /^\d{4}-/.test(text)) return time;
  try {
    return Date.now() - duration(text);
  } catch {
    throw new InvalidArgumentError("Give how long ago, such as 30m, 2h or 7d, or a date or time such as 2026-03-01 or 2026-03-01T12:00Z.");
  }
}

/** For options that may be given several times, or list values with commas. */
export function gather(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(",").map((part) => part.trim())].filter((part) => part !== "");
}
