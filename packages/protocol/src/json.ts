/** A JSON value without parts. */
export type JsonScalar = string | number | boolean | null;
/** Any value that JSON can carry. */
export type JsonValue = JsonScalar | readonly JsonValue[] | JsonObject;
/** A JSON object; optional members are absent, never `undefined`, once printed. */
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

/** Where in a document a problem stands: `["payload", "items", 3, "id"]`. */
export type JsonPath = readonly (string | number)[];

/** What a JSON text holds, seen without parsing it. */
export interface TextShape {
  /** Deepest nesting of arrays and objects; counted no further than one past the limit. */
  readonly depth: number;
  /** Whether a number is written with so many digits, or such an exponent, that it may be no number any more. */
  readonly mayOverflow: boolean;
  /** The first whole number that would come back with other digits, such as 9007199254740993. */
  readonly inexact?: string | undefined;
}

/** A number with an exponent of two digits overflows from here on: 1e99 has 100 digits, the largest 309. */
const OVERFLOWING_DIGITS = 210;
/** Any exponent of so many digits may overflow. */
const OVERFLOWING_EXPONENT_DIGITS = 3;

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/**
 * Looks at a JSON text before it is parsed, so that a hostile document is refused before it costs memory (P12). Each
 * character is looked at once: what it costs is in proportion to the text, whatever is written there.
 */
export function shapeOf(text: string, depthLimit: number): TextShape {
  let depth = 0;
  let deepest = 0;
  let mayOverflow = false;
  let inexact: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    switch (code) {
      case 0x22: // a string: jump to its closing quote, stepping over escapes
        for (at += 1; at < text.length && text.charCodeAt(at) !== 0x22; at += 1) {
          if (text.charCodeAt(at) === 0x5c) at += 1;
        }
        break;
      case 0x5b:
      case 0x7b:
        depth += 1;
        if (depth > deepest) deepest = depth;
        if (deepest > depthLimit) return { depth: deepest, mayOverflow, inexact };
        break;
      case 0x5d:
      case 0x7d:
        depth -= 1;
        break;
      default:
        if (isDigit(code)) {
          const from = at;
          while (isDigit(text.charCodeAt(at + 1))) at += 1;
          mayOverflow ||= at + 1 - from >= (followsExponent(text, from) ? OVERFLOWING_EXPONENT_DIGITS : OVERFLOWING_DIGITS);
          inexact ??= inexactWhole(text, from, at + 1);
        }
    }
  }
  return { depth: deepest, mayOverflow, inexact };
}

/** From so many digits on, a double may not hold a whole number. */
const INEXACT_DIGITS = 16;
/** What makes digits a part of a number that is not whole: before them, and behind. */
const FRACTION_BEFORE = ".eE+";
const FRACTION_BEHIND = ".eE";

/** The whole number between two places, if it would not be printed as it was written. */
function inexactWhole(text: string, from: number, to: number): string | undefined {
  if (to - from < INEXACT_DIGITS || to - from > OVERFLOWING_DIGITS) return undefined;
  const isNegative = text[from - 1] === "-";
  const before = text[isNegative ? from - 2 : from - 1] ?? " ";
  if (FRACTION_BEFORE.includes(before) || FRACTION_BEHIND.includes(text[to] ?? " ")) return undefined;
  const digits = text.slice(from, to);
  return String(Number(digits)) === digits ? undefined : `${isNegative ? "-" : ""}${digits}`;
}

/** `e` or `E`, and perhaps a plus. */
function followsExponent(text: string, at: number): boolean {
  const sign = text.charCodeAt(at - 1) === 0x2b ? 1 : 0;
  return (text.charCodeAt(at - 1 - sign) | 0x20) === 0x65;
}

/** Path of the first number that JSON cannot carry back, if any: `1e999` parses to Infinity and would be stored as null. */
export function overflowingNumber(value: unknown, path: JsonPath = []): JsonPath | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? undefined : path;
  if (typeof value !== "object" || value === null) return undefined;
  const isArray = Array.isArray(value);
  for (const [key, member] of Object.entries(value)) {
    const found = overflowingNumber(member, [...path, isArray ? Number(key) : key]);
    if (found) return found;
  }
  return undefined;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
