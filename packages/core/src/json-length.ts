/**
 * A floor under the length of a value's JSON, counted no further than a limit. Printing JSON to learn that it is too
 * long may take all memory there is: an array of a gigabyte of bytes, or one list that is held in a thousand places.
 */

/** Deeper values are refused: printing them could overflow the stack. */
const MAX_DEPTH = 1_000;

/**
 * At most the length of `JSON.stringify(value)`; above `limit` only that much is known. 0 for a value that holds itself:
 * `JSON.stringify` tells where.
 */
export function leastJsonLength(value: unknown, limit: number): number {
  const ancestors: object[] = [];
  let length = 0;
  const visit = (part: unknown): void => {
    if (typeof part === "string") length += part.length + 2;
    else if (typeof part !== "object" || part === null) length += 1;
    else if (isTypedArray(part)) length += 2 * part.length;
    else if (ancestors.length < MAX_DEPTH) {
      ancestors.push(part);
      visitMembers(part);
      // Over the limit the path stays as it was, to be looked at.
      if (length <= limit) ancestors.pop();
    } else if (isCircular(ancestors)) length = Infinity;
    else throw new TypeError(`nested more than ${MAX_DEPTH} levels deep`);
  };
  const visitMembers = (part: object): void => {
    length += 2;
    if (Array.isArray(part)) {
      // A comma each, also where there are holes.
      length += Math.max(0, part.length - 1);
      for (let index = 0; index < part.length && length <= limit; index += 1) visit(part[index]);
      return;
    }
    // What it prints as, only it knows.
    if (typeof (part as { readonly toJSON?: unknown }).toJSON === "function") return;
    for (const key of Object.keys(part)) {
      if (length > limit) return;
      const member = (part as Readonly<Record<string, unknown>>)[key];
      if (member === undefined || typeof member === "function" || typeof member === "symbol") continue;
      length += key.length + 3;
      visit(member);
    }
  };
  visit(value);
  return length > limit && isCircular(ancestors) ? 0 : length;
}

/** Printed element by element. */
const isTypedArray = (value: object): value is Uint8Array => ArrayBuffer.isView(value) && "length" in value;

const isCircular = (path: readonly object[]): boolean => new Set(path).size < path.length;
