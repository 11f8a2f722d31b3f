/**
 * Text broken into lines of a width: at spaces, in scripts without them between words, in a word that is longer than a
 * line after one of its signs (-_@./…), and where there is none of those between any two letters. What is beyond the
 * last line that is allowed is cut, and ends in "…".
 */
import { graphemes } from "./runs.ts";

export interface Fitting {
  readonly width: number;
  readonly maxLines: number;
  measure(text: string): number;
}

const ELLIPSIS = "…";
const WORDS = new Intl.Segmenter(undefined, { granularity: "word" });
/** Scripts that are written without spaces between words. */
const SPACELESS = /[\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u2E80-\u9FFF\uAC00-\uD7AF\uF900-\uFAFF\uFF00-\uFFEF\u{20000}-\u{3FFFF}]/u;

export function linesOf(text: string, { width, maxLines, measure }: Fitting): readonly string[] {
  const whole = text.trim();
  if (measure(whole) <= width) return [whole];
  const lines: string[] = [];
  const waiting = piecesOf(whole);
  let line = "";
  for (let piece = waiting.shift(); piece !== undefined; piece = waiting.shift()) {
    if (measure((line + piece).trimEnd()) <= width) {
      line += piece;
      continue;
    }
    if (line === "") {
      const [head, ...rest] = insideOf(piece, (part) => measure(part) <= width);
      line = head ?? "";
      waiting.unshift(...rest);
    } else {
      waiting.unshift(piece);
    }
    if (lines.length === maxLines - 1) return [...lines, cut(line + waiting.join(""), width, measure)];
    lines.push(line.trimEnd());
    line = "";
  }
  return line.trim() === "" ? lines : [...lines, line.trimEnd()];
}

/** As much of the beginning as fits, and the sign that more was there. */
export function cut(text: string, width: number, measure: (text: string) => number): string {
  if (measure(text.trimEnd()) <= width) return text.trimEnd();
  const letters = graphemes(text);
  const fits = longest(letters.length, (count) => measure(letters.slice(0, count).join("").trimEnd() + ELLIPSIS) <= width);
  return letters.slice(0, fits).join("").trimEnd() + ELLIPSIS;
}

/** Both ends of a number or key, and between them the sign that more was there. */
export function cutInside(text: string, width: number, measure: (text: string) => number): string {
  const letters = graphemes(text);
  const shortened = (count: number): string => {
    const head = Math.ceil(count / 2);
    return letters.slice(0, head).join("") + ELLIPSIS + letters.slice(letters.length - (count - head)).join("");
  };
  return shortened(longest(letters.length - 1, (count) => measure(shortened(count)) <= width));
}

/** Words with the spaces behind them. */
function piecesOf(text: string): string[] {
  const words = text.match(/\S+\s*/g) ?? [];
  return words.flatMap((word) => (SPACELESS.test(word) ? segmentsOf(word) : [word]));
}

/** Signs stay with the word before them. */
function segmentsOf(word: string): string[] {
  const pieces: string[] = [];
  for (const { segment, isWordLike } of WORDS.segment(word)) {
    if (pieces.length === 0 || isWordLike) pieces.push(segment);
    else pieces[pieces.length - 1] += segment;
  }
  return pieces;
}

/** A piece that is longer than a line: as much of it as fits, and the rest. */
function insideOf(piece: string, fits: (part: string) => boolean): readonly string[] {
  const parts = piece.match(/[^-_@./\\:;,+&=?]+[-_@./\\:;,+&=?]*|[-_@./\\:;,+&=?]+/g) ?? [piece];
  let head = "";
  let taken = 0;
  while (taken < parts.length && fits(head + (parts[taken] ?? ""))) {
    head += parts[taken] ?? "";
    taken += 1;
  }
  if (taken > 0) return [head, parts.slice(taken).join("")];
  const letters = graphemes(piece);
  const count = Math.max(
    1,
    longest(letters.length, (length) => fits(letters.slice(0, length).join(""))),
  );
  return [letters.slice(0, count).join(""), letters.slice(count).join("")].filter((part) => part !== "");
}

/** The largest count up to `most` that is good, when every smaller one is. */
function longest(most: number, isGood: (count: number) => boolean): number {
  let low = 0;
  let high = Math.max(0, most);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isGood(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
