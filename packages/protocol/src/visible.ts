/**
 * Texts of others as people may be shown them. What a terminal obeys (escapes, C0 and C1 control characters), what turns
 * text round (bidi) and what nobody sees (zero-width, fillers, tags) is written out, so that no text can pretend to be
 * another, or to be the program that shows it. The two selectors that choose between text and emoji stay.
 */
const HIDDEN = /(?![\uFE0E\uFE0F])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const SHORT: Readonly<Record<string, string>> = { "\t": "\\t", "\n": "\\n", "\r": "\\r" };

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, "0");

/** One line: `\n`, `\x1b`, `\u202e` and `\u{e0001}` for what cannot be shown. */
export function visibleText(text: string): string {
  return text.replaceAll(HIDDEN, (character) => {
    const code = character.codePointAt(0)!;
    if (code <= 0xff) return SHORT[character] ?? `\\x${hex(code, 2)}`;
    return code <= 0xffff ? `\\u${hex(code, 4)}` : `\\u{${hex(code, 1)}}`;
  });
}

/** JSON of the same value, laid out the same, in which none of them stands as itself. */
export function visibleJson(json: string): string {
  return json.replaceAll(HIDDEN, (character) => {
    // Outside of strings these two are layout, and inside of them they are escaped already.
    if (character === "\n" || character === "\t") return character;
    return Array.from({ length: character.length }, (_, index) => `\\u${hex(character.charCodeAt(index), 4)}`).join("");
  });
}
