/** What no installed face can print: by script, with examples and counts, for the page and for the result. */
import type { Faces } from "./faces.ts";
import { graphemes, isPlain } from "./runs.ts";

export interface Unprinted {
  /** "Tamil", "Georgian"; "signs" for what belongs to no script. */
  readonly script: string;
  /** Different texts that have some. */
  readonly texts: number;
  /** Letters in all of them. */
  readonly letters: number;
  /** A few of the texts. */
  readonly examples: readonly string[];
  /** A few of the letters, as "U+0B95": on the page itself no more can be said of them. */
  readonly codes: readonly string[];
}

/** Scripts that shops are most likely to bring; others are counted as "other letters". */
const SCRIPTS = (
  "Arabic Armenian Balinese Bengali Bopomofo Cherokee Coptic Cuneiform Cyrillic Devanagari Egyptian_Hieroglyphs Ethiopic Georgian " +
  "Gothic Greek Gujarati Gurmukhi Han Hangul Hebrew Hiragana Javanese Kannada Katakana Khmer Lao Latin Malayalam Mongolian " +
  "Myanmar Nko Oriya Sinhala Sundanese Syriac Tamil Telugu Thaana Thai Tibetan Tifinagh Yi"
)
  .split(" ")
  .map((name) => ({ name: name.replaceAll("_", " "), letters: new RegExp(String.raw`\p{Script=${name}}`, "u") }));

const EXAMPLES = 3;
const EXAMPLE_LENGTH = 24;

export function unprintedIn(texts: Iterable<string>, faces: Faces): readonly Unprinted[] {
  const found = new Map<string, { texts: number; letters: number; examples: string[]; codes: string[] }>();
  for (const text of new Set(texts)) {
    if (isPlain(text)) continue;
    const missing = graphemes(text).filter((grapheme) => faces.choose(grapheme, text) === undefined);
    const scripts = Map.groupBy(missing, scriptOf);
    for (const [script, letters] of scripts) {
      const entry = found.get(script) ?? { texts: 0, letters: 0, examples: [], codes: [] };
      entry.texts += 1;
      entry.letters += letters.length;
      if (entry.examples.length < EXAMPLES) entry.examples.push(graphemes(text).slice(0, EXAMPLE_LENGTH).join(""));
      for (const code of letters.map(codeOf)) if (entry.codes.length < EXAMPLES && !entry.codes.includes(code)) entry.codes.push(code);
      found.set(script, entry);
    }
  }
  return [...found].map(([script, entry]) => ({ script, ...entry })).sort((a, b) => b.texts - a.texts || a.script.localeCompare(b.script));
}

const codeOf = (grapheme: string): string => `U+${(grapheme.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

const scriptOf = (grapheme: string): string => SCRIPTS.find(({ letters }) => letters.test(grapheme))?.name ?? "other signs";
