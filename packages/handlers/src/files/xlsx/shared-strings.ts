/** The texts that cells name by their number: kept in memory, up to a limit. */
import { UnreadableFile } from "../unreadable.ts";
import type { Elements } from "./elements.ts";

/** A character that XML cannot hold is written _x000D_; an underscore that would look so, _x005F_. */
export const unescaped = (text: string): string =>
  text.replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

export function sharedStrings(name: string, maxCharacters: number): Elements & { readonly strings: readonly string[] } {
  const strings: string[] = [];
  let left = maxCharacters;
  let text = "";
  /** Readings of Asian scripts beside the text, in `rPh`, are no part of it. */
  let phonetic = false;
  let inText = false;
  return {
    strings,
    open(element) {
      if (element === "si") text = "";
      else if (element === "rPh") phonetic = true;
      else if (element === "t") inText = !phonetic;
    },
    text(part) {
      if (inText) text += part;
    },
    close(element) {
      if (element === "t") inText = false;
      else if (element === "rPh") phonetic = false;
      else if (element === "si") {
        left -= text.length;
        if (left < 0)
          throw new UnreadableFile(
            `"${name}" holds more than ${maxCharacters.toLocaleString("en-US")} characters of text; save it as CSV or Parquet`,
          );
        strings.push(unescaped(text));
      }
    },
  };
}
