/**
 * Chance by name: each purpose draws from a stream of its own, made from the seed and its name, so that one more draw for
 * one purpose moves nothing else, and a fault that is switched off leaves the rest of the run as it was.
 */
export interface Chance {
  /** In [0, 1). */
  (): number;
  /** A whole number from 0 up to, without, `count`. */
  below(count: number): number;
  /** A whole number from `least` to `most`. */
  within(least: number, most: number): number;
  happens(probability: number): boolean;
  oneOf<T>(values: readonly T[]): T;
}

/** Small times are drawn as often as large ones: log-uniform. */
export const someMs = (chance: Chance, least: number, most: number): number => Math.round(least * (most / least) ** chance());

/** FNV-1a (Fowler, Noll, Vo), 32 bits. */
export function hashOf(text: string, from = 0x811c9dc5): number {
  let hash = from;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** SplitMix32, of Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. */
export function createChance(seed: number, name: string): Chance {
  let state = hashOf(`${seed}/${name}`);
  const unit = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
  const below = (count: number): number => Math.floor(unit() * count);
  return Object.assign(unit, {
    below,
    within: (least: number, most: number) => least + below(most - least + 1),
    happens: (probability: number) => unit() < probability,
    oneOf: <T>(values: readonly T[]): T => values[below(values.length)]!,
  });
}
