/**
 * A line of text as runs of one face each, in the order they are seen. What no installed face has is printed as the
 * replacement sign, and the report says so (unprinted.ts).
 */
import { hasRightToLeft, inVisualOrder, levelsOf, mirrored } from "./bidi.ts";
import type { FaceName } from "./face-files.ts";
import type { Faces } from "./faces.ts";

export interface Run {
  readonly text: string;
  readonly face: FaceName;
}

interface Piece {
  text: string;
  readonly face: FaceName;
  readonly level: number;
}

const REPLACEMENT = "\uFFFD";

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: "grapheme" });
export const graphemes = (text: string): string[] =>
  PLAIN.test(text) ? Array.from(text) : [...GRAPHEMES.segment(text)].map(({ segment }) => segment);

/** Latin without combining marks: one run of the first face, whose letters it surely has. */
const PLAIN = /^[\u0020-\u007E\u00A0-\u00AC\u00AE-\u017F\u2013\u2014\u2018-\u201D\u2022\u2026\u20AC]*$/;

/** Whether a text is surely in the first face. */
export const isPlain = (text: string): boolean => PLAIN.test(text);

/** A line of control characters and line ends is a line of spaces. */
export const printable = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ");

export function runsOf(text: string, faces: Faces): readonly Run[] {
  if (text === "") return [];
  if (PLAIN.test(text)) return [{ text, face: "latin" }];
  const levels = hasRightToLeft(text) ? levelsOf(text) : undefined;
  const pieces: Piece[] = [];
  let at = 0;
  for (const grapheme of graphemes(text)) {
    const face = faces.choose(grapheme, text);
    const level = levels?.[at] ?? 0;
    at += grapheme.length;
    const last = pieces.at(-1);
    const letter = face === undefined ? REPLACEMENT : faces.seen(grapheme, face);
    if (letter === "") continue;
    if (last?.face === (face ?? "latin") && last.level === level) last.text += letter;
    else pieces.push({ text: letter, face: face ?? "latin", level });
  }
  return inVisualOrder(pieces).map(asRun);
}

/** Faces that are laid out from right to left by their shaper. */
const TURNED: ReadonlySet<FaceName> = new Set(["hebrew", "arabic"]);
const LETTER = /\p{L}/u;

function asRun({ text, face, level }: Piece): Run {
  if (level % 2 === 0) return { text, face };
  if (TURNED.has(face) && LETTER.test(text)) return { text: Array.from(text, mirrored).join(""), face };
  return { text: graphemes(text).toReversed().map(mirrored).join(""), face };
}
