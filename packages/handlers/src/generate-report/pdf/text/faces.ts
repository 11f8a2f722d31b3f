/**
 * Which face prints a letter. A face is opened when a letter is asked for that those before it lack, so that a report
 * in Latin letters opens one file. Han letters are drawn otherwise in Japanese, Korean and Chinese: kana or hangul in
 * the same text say which, else the report's language.
 */
import { create, type Font } from "fontkit";
import { readFileSync } from "node:fs";
import { FACE_NAMES, faceFiles, type FaceFiles, type FaceName } from "./face-files.ts";

export interface Faces {
  /** The face that has every letter of a grapheme, undefined when none has. `text` is what it stands in. */
  choose(grapheme: string, text: string): FaceName | undefined;
  /** What of a grapheme is printed in a face: without joiners and marks of direction that it has no glyph for. */
  seen(grapheme: string, name: FaceName): string;
  files(name: FaceName): FaceFiles | undefined;
  /** Those that printed something so far. */
  used(): readonly FaceName[];
}

/** Without a glyph of their own: joiners, marks of direction, selectors of a letter's form. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}/gu;
const KANA = /[\u3040-\u30FF\u31F0-\u31FF\uFF66-\uFF9F]/;
const HANGUL = /[\u1100-\u11FF\u3130-\u318F\uAC00-\uD7AF]/;
const EAST_ASIAN: readonly FaceName[] = ["japanese", "korean", "chinese"];

/** `tag`: the report's language. */
export function openFaces(tag: string): Faces {
  const opened = new Map<FaceName, { readonly files: FaceFiles; readonly font: Font } | undefined>();
  const open = (name: FaceName): { readonly files: FaceFiles; readonly font: Font } | undefined => {
    if (!opened.has(name)) {
      const files = faceFiles(name);
      opened.set(name, files && { files, font: create(readFileSync(files.regular)) as Font });
    }
    return opened.get(name);
  };
  const orders = {
    japanese: orderWith("japanese"),
    korean: orderWith("korean"),
    chinese: orderWith("chinese"),
  };
  const usual = tag.startsWith("ja") ? "japanese" : tag.startsWith("ko") ? "korean" : "chinese";
  const used = new Set<FaceName>();
  const known = new Map<string, FaceName | undefined>();
  const find = (grapheme: string, order: readonly FaceName[]): FaceName | undefined => {
    const letters = Array.from(grapheme.replaceAll(UNSEEN, ""), (letter) => letter.codePointAt(0) ?? 0);
    return order.find((name) => {
      const face = open(name);
      return face !== undefined && letters.every((letter) => face.font.hasGlyphForCodePoint(letter));
    });
  };
  return {
    choose(grapheme, text) {
      const first = KANA.test(text) ? "japanese" : HANGUL.test(text) ? "korean" : usual;
      const key = `${first} ${grapheme}`;
      if (!known.has(key)) known.set(key, find(grapheme, orders[first]));
      return known.get(key);
    },
    seen(grapheme, name) {
      const font = open(name)?.font;
      return grapheme.replaceAll(UNSEEN, (mark) => (grapheme !== mark && font?.hasGlyphForCodePoint(mark.codePointAt(0) ?? 0) ? mark : ""));
    },
    files(name) {
      used.add(name);
      return open(name)?.files;
    },
    used: () => [...used],
  };
}

function orderWith(first: FaceName): readonly FaceName[] {
  const eastAsian = [first, ...EAST_ASIAN.filter((name) => name !== first)];
  return FACE_NAMES.filter((name) => name === "japanese" || !EAST_ASIAN.includes(name)).flatMap((name) =>
    name === "japanese" ? eastAsian : [name],
  );
}
