/**
 * Numbers that authors and operators declare: refused by name at the start, where they can be mended. One that only a
 * store or a timer refuses fails request after request instead. Pure.
 */
import { MAX_DELAY_MS } from "@streamer/protocol";

export interface NumberRule {
  readonly min: number;
  /** Infinity: may be infinite, which means without a limit. */
  readonly max: number;
  /** Without a fraction, because it is stored or sent as an integer. */
  readonly whole: boolean;
}

const rule =
  (whole: boolean) =>
  (min: number, max: number): NumberRule => ({ min, max, whole });
export const between: (min: number, max: number) => NumberRule = rule(false);
export const wholeBetween: (min: number, max: number) => NumberRule = rule(true);

/** As the `timeout_ms` of a request: longer work goes on from checkpoints. */
export const MAX_TIMEOUT_MS = 7 * 86_400_000;

/** What is timed in memory; a year is longer than any process lives. */
export const timeFrom = (min: number): NumberRule => between(min, MAX_DELAY_MS);
/** What is stored or sent. */
export const wholeMs: NumberRule = wholeBetween(1, MAX_DELAY_MS);

/** Why a value is not such a number; undefined when it is. Missing values are not asked about. */
export function whyNot(value: unknown, { min, max, whole }: NumberRule): string | undefined {
  const fits = typeof value === "number" && value >= min && value <= max;
  if (fits && (!whole || Number.isInteger(value) || value === Infinity)) return undefined;
  const range = max === Infinity ? `${min} or more` : `from ${min} to ${max}`;
  const is = typeof value === "number" ? `${value}` : `of type ${value === null ? "null" : typeof value}`;
  return `must be a ${min > 0 ? "positive " : ""}number${whole ? " without fraction" : ""}, ${range}; it is ${is}`;
}

/** `refuse` is called for the first of the members that is not as its rule says. */
export function checkNumbers<Name extends string>(
  members: Readonly<Record<Name, NumberRule>>,
  values: { readonly [N in Name]?: unknown },
  refuse: (name: Name, problem: string) => never,
): void {
  for (const name of Object.keys(members) as Name[]) {
    const value = values[name];
    const problem = value === undefined ? undefined : whyNot(value, members[name]);
    if (problem !== undefined) refuse(name, problem);
  }
}

/** Without the members that are undefined: spread over defaults, those would replace them. */
export function given<T extends object>(values: T | undefined): { [N in keyof T]?: Exclude<T[N], undefined> } {
  const entries = Object.entries(values ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [N in keyof T]?: Exclude<T[N], undefined> };
}
