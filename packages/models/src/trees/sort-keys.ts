/**
 * Sorts keys of code × 2^POSITION_BITS + position by code, in place: insertion for the few rows of the many small nodes,
 * two counting passes of 8 bits beyond. A node is sorted again for every feature tried, so nothing is allocated.
 */
export const POSITION_BITS = 15;

/** Where two passes over 256 counters begin to pay. */
const INSERTION_BELOW = 64;

export class KeySorter {
  readonly #counts = new Int32Array(256);
  readonly #other: Int32Array;

  constructor(mostKeys: number) {
    this.#other = new Int32Array(mostKeys);
  }

  sort(keys: Int32Array, count: number): void {
    if (count < INSERTION_BELOW) {
      insertionSort(keys, count);
      return;
    }
    this.#pass({ from: keys, into: this.#other, count, shift: POSITION_BITS });
    this.#pass({ from: this.#other, into: keys, count, shift: POSITION_BITS + 8 });
  }

  #pass({ from, into, count, shift }: { from: Int32Array; into: Int32Array; count: number; shift: number }): void {
    const counts = this.#counts;
    counts.fill(0);
    for (let at = 0; at < count; at += 1) counts[(from[at]! >>> shift) & 255]! += 1;
    let before = 0;
    for (let digit = 0; digit < 256; digit += 1) {
      const here = counts[digit]!;
      counts[digit] = before;
      before += here;
    }
    for (let at = 0; at < count; at += 1) {
      const key = from[at]!;
      const digit = (key >>> shift) & 255;
      into[counts[digit]!] = key;
      counts[digit]! += 1;
    }
  }
}

function insertionSort(keys: Int32Array, count: number): void {
  for (let at = 1; at < count; at += 1) {
    const key = keys[at]!;
    let hole = at;
    while (hole > 0 && keys[hole - 1]! > key) {
      keys[hole] = keys[hole - 1]!;
      hole -= 1;
    }
    keys[hole] = key;
  }
}
