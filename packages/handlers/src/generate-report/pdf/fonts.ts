/**
 * The Roboto that comes with pdfmake, and how wide its letters are. The charts are laid out with these widths: guessed
 * ones let labels overlap or run out of the picture.
 */
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import PDFDocument from "pdfkit";

const folder = join(dirname(createRequire(import.meta.url).resolve("pdfmake/package.json")), "fonts", "Roboto");

export const FONTS = {
  Roboto: {
    normal: join(folder, "Roboto-Regular.ttf"),
    bold: join(folder, "Roboto-Medium.ttf"),
    italics: join(folder, "Roboto-Italic.ttf"),
    bolditalics: join(folder, "Roboto-MediumItalic.ttf"),
  },
};

/** The only files a PDF may be made from. */
export const isFontFile = (path: string): boolean => path.startsWith(folder + sep);

/** Width in points of a text in one line, for fonts written the CSS way ("bold 9px Roboto"). */
export function createTextMeasure(): (text: string, font?: string) => { width: number } {
  const regular = new PDFDocument({ font: FONTS.Roboto.normal });
  const bold = new PDFDocument({ font: FONTS.Roboto.bold });
  return (text, font = "12px Roboto") => {
    const size = Number(/(?<![\d.])([\d.]+)px/.exec(font)?.[1] ?? 12);
    const document = /\b(bold|[5-9]00)\b/.test(font) ? bold : regular;
    return { width: document.fontSize(size).widthOfString(text) };
  };
}
