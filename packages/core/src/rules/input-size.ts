/** Inputs of about one size take about one time: how large a payload is, roughly, as an exponent of two. Pure. */
import type { JsonValue } from "@streamer/protocol";

/** Stands for a number's digits. */
const NUMBER_LENGTH = 8;

/** 0 for nothing, 20 for a million characters of JSON. */
export const sizeClass = (payload: JsonValue): number => Math.floor(Math.log2(1 + lengthOf(payload)));

/** About the length of the JSON, without making it: escapes and digits are not counted. */
function lengthOf(value: JsonValue | undefined): number {
  if (typeof value === "string") return value.length;
  if (typeof value === "number") return NUMBER_LENGTH;
  if (typeof value !== "object" || value === null) return 0;
  let length = 0;
  if (Array.isArray(value)) for (const item of value as readonly JsonValue[]) length += 1 + lengthOf(item);
  else for (const [name, item] of Object.entries(value)) length += name.length + 1 + lengthOf(item);
  return length;
}
