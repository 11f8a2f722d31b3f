/**
 * The order in which the letters of a line are seen: Hebrew and Arabic run from right to left, numbers and Latin words
 * inside them from left to right (Unicode's bidirectional algorithm, by bidi-js).
 */
import bidiFactory from "bidi-js";

/** As much of it as is used here; it has no types of its own. */
interface Bidi {
  getEmbeddingLevels(text: string): { readonly levels: Uint8Array };
  getMirroredCharacter(letter: string): string | null;
}
const bidi = (bidiFactory as unknown as () => Bidi)();

/** Letters that run from right to left, and the marks that say so. */
const RIGHT_TO_LEFT = /[\u0590-\u08FF\u200F\u202B\u202E\u2067\uFB1D-\uFDFF\uFE70-\uFEFC\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u;

export const hasRightToLeft = (text: string): boolean => RIGHT_TO_LEFT.test(text);

/** The level of each UTF-16 unit: odd ones run from right to left. */
export const levelsOf = (text: string): Uint8Array => bidi.getEmbeddingLevels(text).levels;

/** Brackets look the other way in a text from right to left. */
export const mirrored = (letter: string): string => bidi.getMirroredCharacter(letter) ?? letter;

/** Rule L2: from the highest level down to the lowest odd one, whatever is at that level or above is reversed. */
export function inVisualOrder<Item extends { readonly level: number }>(items: readonly Item[]): readonly Item[] {
  const ordered = [...items];
  const highest = Math.max(0, ...ordered.map(({ level }) => level));
  for (let level = highest; level > 0; level -= 1) {
    for (let from = 0; from < ordered.length; from += 1) {
      let to = from;
      while (to < ordered.length && (ordered[to]?.level ?? 0) >= level) to += 1;
      if (to > from) ordered.splice(from, to - from, ...ordered.slice(from, to).toReversed());
      from = to;
    }
  }
  return ordered;
}
