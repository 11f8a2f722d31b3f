/**
 * Chance with a seed: the same seed gives the same model on every machine. The generator is sfc32 (Chris Doty-Humphrey's
 * "small fast counting", from PractRand): 128 bits of state, integer operations only.
 */
export function seededRandom(seed: number): () => number {
  let a = seed | 0;
  let b = Math.floor(seed / 2 ** 32) | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  // Seeds that differ in one bit start alike: the first outputs are thrown away.
  for (let warmUp = 0; warmUp < 15; warmUp += 1) next();
  return next;
}

/** A whole number from 0 to below - 1. */
export const randomBelow = (random: () => number, below: number): number => Math.floor(random() * below);

/** `values` in an order by chance (Fisher and Yates), in place. */
export function shuffle<T extends Int32Array | Float64Array>(values: T, random: () => number): T {
  for (let left = values.length; left > 1; left -= 1) {
    const drawn = randomBelow(random, left);
    const kept = values[drawn]!;
    values[drawn] = values[left - 1]!;
    values[left - 1] = kept;
  }
  return values;
}

/** `count` different whole numbers below `below`, rising (R. Floyd's sampling: no array of all of them). */
export function sampleWithoutReplacement(random: () => number, count: number, below: number): Int32Array {
  const taken = new Set<number>();
  for (let newest = below - count; newest < below; newest += 1) {
    const candidate = randomBelow(random, newest + 1);
    taken.add(taken.has(candidate) ? newest : candidate);
  }
  return Int32Array.from(taken).sort();
}
