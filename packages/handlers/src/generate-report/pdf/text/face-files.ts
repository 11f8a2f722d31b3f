/**
 * The letters a PDF can be printed in: Noto in the files of npm packages, regular and bold. Each covers some scripts;
 * whoever leaves the optional ones out (Chinese, Japanese, Korean: 105 MB) gets a report that says what is missing.
 * docs/adr/0046-pages-laid-out-here.md says why these.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

export interface FaceFiles {
  readonly regular: string;
  readonly bold: string;
}

interface FaceSource extends FaceFiles {
  readonly package: string;
}

const fontsource = (script: string): FaceSource => ({
  package: `@fontsource/noto-sans-${script}`,
  regular: `files/noto-sans-${script}-${script}-400-normal.woff`,
  bold: `files/noto-sans-${script}-${script}-700-normal.woff`,
});

const embedpdf = (part: string, family: string, ending: string): FaceSource => ({
  package: `@embedpdf/fonts-${part}`,
  regular: `fonts/${family}-Regular.${ending}`,
  bold: `fonts/${family}-Bold.${ending}`,
});

/** In the order they are asked for a letter; the first also has Greek, Cyrillic, Vietnamese and the signs of currencies. */
const SOURCES = {
  latin: { ...embedpdf("latin", "NotoSans", "ttf"), bold: "fonts/NotoSans-SemiBold.ttf" },
  hebrew: embedpdf("hebrew", "NotoSansHebrew", "ttf"),
  arabic: embedpdf("arabic", "NotoNaskhArabic", "ttf"),
  devanagari: fontsource("devanagari"),
  thai: fontsource("thai"),
  japanese: embedpdf("jp", "NotoSansJP", "otf"),
  korean: embedpdf("kr", "NotoSansKR", "otf"),
  chinese: embedpdf("sc", "NotoSansHans", "otf"),
  emoji: {
    package: "@expo-google-fonts/noto-emoji",
    regular: "400Regular/NotoEmoji_400Regular.ttf",
    bold: "700Bold/NotoEmoji_700Bold.ttf",
  },
} as const satisfies Readonly<Record<string, FaceSource>>;

export type FaceName = keyof typeof SOURCES;
/** All packages that hold a face. */
export const FONT_PACKAGES: readonly string[] = Object.values(SOURCES).map((source) => source.package);
export const FACE_NAMES: readonly FaceName[] = Object.keys(SOURCES) as FaceName[];

/** Undefined where the package is not installed. */
export function faceFiles(name: FaceName): FaceFiles | undefined {
  const source = SOURCES[name];
  const folders = createRequire(import.meta.url).resolve.paths(source.package) ?? [];
  const folder = folders.map((modules) => join(modules, source.package)).find((found) => existsSync(join(found, source.regular)));
  return folder === undefined ? undefined : { regular: join(folder, source.regular), bold: join(folder, source.bold) };
}
