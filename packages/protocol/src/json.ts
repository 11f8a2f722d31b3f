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

/**
 * Deepest nesting of arrays and objects in a JSON text, without parsing it, so that a hostile document is refused
 * before it costs memory (P12). Stops counting once `limit` is passed.
 */
export function nestingDepth(text: string, limit: number): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case 0x22: // a string: jump to its closing quote, stepping over escapes
        for (at += 1; at < text.length && text.charCodeAt(at) !== 0x22; at += 1) {
          if (text.charCodeAt(at) === 0x5c) at += 1;
        }
        break;
      case 0x5b:
      case 0x7b:
        depth += 1;
        if (depth > deepest) deepest = depth;
        if (deepest > limit) return deepest;
        break;
      case 0x5d:
      case 0x7d:
        depth -= 1;
        break;
    }
  }
  return deepest;
}

// `1e999` parses to Infinity and would be stored as null: only such texts pay for the walk below. With an exponent of two
// digits a number overflows from 210 digits on.
const MAY_OVERFLOW = /[eE]\+?\d{3}|\d{210}/;

/** Path of the first number JSON cannot carry back (it overflowed to Infinity), if any. */
export function overflowingNumber(text: string, parsed: unknown): JsonPath | undefined {
  return MAY_OVERFLOW.test(text) ? findInfinite(parsed, []) : undefined;
}

function findInfinite(value: unknown, path: JsonPath): JsonPath | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? undefined : path;
  if (typeof value !== "object" || value === null) return undefined;
  const isArray = Array.isArray(value);
  for (const [key, member] of Object.entries(value)) {
    const found = findInfinite(member, [...path, isArray ? Number(key) : key]);
    if (found) return found;
  }
  return undefined;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
