/**
 * Filter criteria of an event source mapping: event patterns, as far as Lambda documents them for records. A record passes
 * when one pattern matches; a pattern matches when each of its fields does; a field matches when one of its values does.
 * A pattern that uses anything else is refused when it is read.
 */
import type { Json, JsonObject } from "../assembly/template.ts";

export const passes = (patterns: readonly JsonObject[], record: Json): boolean => patterns.some((pattern) => matches(pattern, record));

function matches(pattern: JsonObject, value: Json | undefined): boolean {
  return Object.entries(pattern).every(([field, wanted]) => {
    if (field === "$or") return (wanted as readonly JsonObject[]).some((alternative) => matches(alternative, value));
    const found = isObject(value) ? value[field] : undefined;
    if (Array.isArray(wanted)) return wanted.some((rule: Json) => ruleHolds(rule, found));
    return isObject(found) || found === undefined ? matches(wanted as JsonObject, found) : false;
  });
}

function ruleHolds(rule: Json, found: Json | undefined): boolean {
  // Of a list of values, one is enough.
  if (Array.isArray(found)) return found.some((each: Json) => ruleHolds(rule, each));
  if (!isObject(rule)) return rule === found;
  const [operator, argument] = Object.entries(rule)[0]!;
  if (operator === "exists") return argument === (found !== undefined && !isObject(found));
  if (found === undefined || isObject(found)) return false;
  switch (operator) {
    case "prefix":
      return typeof found === "string" && found.startsWith(argument as string);
    case "suffix":
      return typeof found === "string" && found.endsWith(argument as string);
    case "equals-ignore-case":
      return typeof found === "string" && found.toLowerCase() === (argument as string).toLowerCase();
    case "anything-but":
      return differs(argument ?? null, found);
    case "numeric":
      return typeof found === "number" && comparisonsHold(argument as readonly Json[], found);
    default:
      return false;
  }
}

function differs(excluded: Json, found: Json): boolean {
  if (isObject(excluded)) return !ruleHolds(excluded, found);
  return Array.isArray(excluded) ? !excluded.includes(found) : excluded !== found;
}

function comparisonsHold(parts: readonly Json[], found: number): boolean {
  for (let n = 0; n < parts.length; n += 2) if (!COMPARISONS[parts[n] as string]!(found, Number(parts[n + 1]))) return false;
  return true;
}
const COMPARISONS: Readonly<Record<string, (found: number, limit: number) => boolean>> = {
  "=": (found, limit) => found === limit,
  "<": (found, limit) => found < limit,
  "<=": (found, limit) => found <= limit,
  ">": (found, limit) => found > limit,
  ">=": (found, limit) => found >= limit,
};

const OPERATORS = new Set(["exists", "prefix", "suffix", "equals-ignore-case", "anything-but", "numeric"]);

/** Throws for a pattern that could not be evaluated as AWS would. */
export function checkPattern(owner: string, pattern: JsonObject): void {
  for (const [field, wanted] of Object.entries(pattern)) {
    if (field === "$or") for (const alternative of wanted as readonly JsonObject[]) checkPattern(owner, alternative);
    else if (Array.isArray(wanted)) {
      for (const rule of wanted as readonly Json[]) {
        const unknown = isObject(rule) ? Object.keys(rule).find((operator) => !OPERATORS.has(operator)) : undefined;
        if (unknown !== undefined) throw new Error(`${owner} filters ${field} by ${unknown}, which the local run does not know.`);
      }
    } else if (isObject(wanted)) checkPattern(owner, wanted);
    else throw new Error(`${owner} filters ${field} by ${JSON.stringify(wanted)}: a filter lists its values.`);
  }
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);
