/**
 * Numbers that authors and operators declare: refused by name at the start, where they can be mended. One that only a
 * store or a timer refuses fails request after request instead. Pure.
 */
import { MAX_DELAY_MS } from "@streamer/protocol";

export interface NumberRule {
  readonly min: number;
  /** Infinity: may be infinite, which means without a limit. */
  readonly max: number;
  /** Times that are stored or sent are whole ms, rounded up as in RetryAfter; half an attempt or a slot is a mistake. */
  readonly fraction: "kept" | "rounded up" | "refused";
}

const rule =
  (fraction: NumberRule["fraction"]) =>
  (min: number, max: number): NumberRule => ({ min, max, fraction });
export const between: (min: number, max: number) => NumberRule = rule("kept");
export const wholeBetween: (min: number, max: number) => NumberRule = rule("refused");

/** As the `timeout_ms` of a request: longer work goes on from checkpoints. */
const MAX_TIMEOUT_MS = 7 * 86_400_000;
export const TIMEOUT: NumberRule = rule("rounded up")(1, MAX_TIMEOUT_MS);
/** A time that is stored or sent. */
export const STORED_TIME: NumberRule = rule("rounded up")(1, MAX_DELAY_MS);
/** A time that is only waited for; a year is longer than any process lives. */
export const timeFrom = (min: number): NumberRule => between(min, MAX_DELAY_MS);

/** Why a value is not such a number; undefined when it is. */
export function whyNot(value: unknown, { min, max, fraction }: NumberRule): string | undefined {
  const whole = fraction === "refused";
  const fits = typeof value === "number" && value >= min && value <= max;
  if (fits && (!whole || Number.isInteger(value) || value === Infinity)) return undefined;
  const range = max === Infinity ? `${min} or more` : `from ${min} to ${max}`;
  const is = typeof value === "number" ? `${value}` : `of type ${value === null ? "null" : typeof value}`;
  return `must be a ${min > 0 ? "positive " : ""}number${whole ? " without fraction" : ""}, ${range}; it is ${is}`;
}

/** A name that stands for nothing: a typing error, which would otherwise leave a default in force unnoticed. */
export const unknownName = (rules: Readonly<Record<string, NumberRule>>, values: Readonly<Record<string, unknown>>): string | undefined =>
  Object.keys(values).find((name) => values[name] !== undefined && !Object.hasOwn(rules, name));

/**
 * Those of the values that have a rule, as they count; undefined ones are left out, because spread over defaults they
 * would replace them. `refuse` is called for the first that is not as its rule says.
 */
export function checkedNumbers(
  rules: Readonly<Record<string, NumberRule>>,
  values: Readonly<Record<string, unknown>>,
  refuse: (name: string, problem: string) => never,
): Readonly<Record<string, number>> {
  const checked: Record<string, number> = {};
  for (const [name, each] of Object.entries(rules)) {
    const value = values[name];
    if (value === undefined) continue;
    const problem = whyNot(value, each);
    if (problem !== undefined) refuse(name, problem);
    checked[name] = each.fraction === "rounded up" ? Math.ceil(value as number) : (value as number);
  }
  return checked;
}
