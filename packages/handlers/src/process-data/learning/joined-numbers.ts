/** Arrays of numbers one after another, in one that is made once. */
export function joinedNumbers<T extends Float64Array | Int32Array>(parts: readonly T[]): T {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const all = (parts[0] instanceof Int32Array ? new Int32Array(length) : new Float64Array(length)) as T;
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
