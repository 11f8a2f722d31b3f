/** Measures and prints lines of text, each letter in a face that has it. */
import type PDFDocument from "pdfkit";
import type { FaceName } from "./face-files.ts";
import { openFaces, type Faces } from "./faces.ts";
import { cut, cutInside, linesOf } from "./lines.ts";
import { printable, runsOf, type Run } from "./runs.ts";

export interface TextStyle {
  /** In points. */
  readonly size: number;
  readonly bold?: boolean;
  readonly colour?: string;
}

interface Place {
  readonly x: number;
  /** Of the baseline. */
  readonly y: number;
  /** Default "left": x is the left edge of the text, else its right edge or its middle. */
  readonly align?: "left" | "right" | "centre";
}

export interface Typesetter {
  readonly faces: Faces;
  measure(text: string, style: TextStyle): number;
  lines(text: string, style: TextStyle, box: { readonly width: number; readonly maxLines: number }): readonly string[];
  /** The text in one line: cut at its end, or inside where it is a number or key, when it is wider. */
  fit(text: string, style: TextStyle, box: { readonly width: number; readonly inside?: boolean }): string;
  print(text: string, style: TextStyle, place: Place): void;
}

/** Widths kept: a report's texts repeat, and measuring is what layout is made of. */
const KEPT_WIDTHS = 20_000;
/** Widths are measured once at this size, and scaled. */
const MEASURED_SIZE = 100;

export function createTypesetter(document: typeof PDFDocument.prototype, tag: string): Typesetter {
  const faces = openFaces(tag);
  const registered = new Set<string>();
  const fontOf = (face: FaceName, bold: boolean): string => {
    const id = `${face}-${bold ? "bold" : "regular"}`;
    if (!registered.has(id)) {
      const files = faces.files(face);
      if (!files) throw new Error(`The letters of "${face}" are not installed, and nothing is printed without them: run npm install.`);
      document.registerFont(id, bold ? files.bold : files.regular);
      registered.add(id);
    }
    return id;
  };
  const runWidth = ({ text, face }: Run, bold: boolean): number =>
    document.font(fontOf(face, bold), MEASURED_SIZE).widthOfString(text) / MEASURED_SIZE;
  const widths = new Map<string, number>();
  const unitWidth = (text: string, bold: boolean): number => {
    const key = `${bold ? "b" : "r"}${text}`;
    const kept = widths.get(key);
    if (kept !== undefined) return kept;
    if (widths.size >= KEPT_WIDTHS) widths.clear();
    const width = runsOf(printable(text), faces).reduce((total, run) => total + runWidth(run, bold), 0);
    widths.set(key, width);
    return width;
  };
  const measure = (text: string, { size, bold = false }: TextStyle): number => unitWidth(text, bold) * size;
  const measureIn =
    (style: TextStyle) =>
    (text: string): number =>
      measure(text, style);
  return {
    faces,
    measure,
    lines: (text, style, box) => linesOf(printable(text), { ...box, measure: measureIn(style) }),
    fit(text, style, { width, inside = false }) {
      const line = printable(text).trim();
      if (measure(line, style) <= width) return line;
      return inside ? cutInside(line, width, measureIn(style)) : cut(line, width, measureIn(style));
    },
    print(text, style, { x, y, align = "left" }) {
      const { size, bold = false, colour } = style;
      const runs = runsOf(printable(text), faces);
      let left = x - (align === "left" ? 0 : measure(text, style) * (align === "right" ? 1 : 0.5));
      if (colour !== undefined) document.fillColor(colour); // on every text: a new page begins in black
      for (const run of runs) {
        document.font(fontOf(run.face, bold), size);
        document.text(run.text, left, y, { lineBreak: false, baseline: "alphabetic" });
        left += runWidth(run, bold) * size;
      }
    },
  };
}
