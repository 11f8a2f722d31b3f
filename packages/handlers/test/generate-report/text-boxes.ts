/** The texts of a PDF with their places, as pdf.js reads them. */
import { readFile } from "node:fs/promises";
import { getDocument } from "pdfjs-dist/legacy/build/pdf.mjs";

interface TextBox {
  readonly text: string;
  /** Points from the page's lower left corner. */
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
  readonly top: number;
}

export interface PageTexts {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly TextBox[];
}

/** Of letters without what hangs below or stands above them, in parts of their size. */
const BELOW = 0.18;
const ABOVE = 0.72;

export async function textBoxes(pdf: string | Uint8Array): Promise<readonly PageTexts[]> {
  const data = new Uint8Array(typeof pdf === "string" ? await readFile(pdf) : pdf);
  const document = await getDocument({ data, verbosity: 0 }).promise;
  try {
    const pages: PageTexts[] = [];
    for (let number = 1; number <= document.numPages; number += 1) {
      const page = await document.getPage(number);
      const { width, height } = page.getViewport({ scale: 1 });
      const { items } = await page.getTextContent({ disableNormalization: true });
      pages.push({ width, height, boxes: items.flatMap((item) => ("str" in item && item.str.trim() !== "" ? [boxOf(item)] : [])) });
    }
    return pages;
  } finally {
    await document.loadingTask.destroy();
  }
}

function boxOf({ str, transform, width }: { str: string; transform: number[]; width: number }): TextBox {
  const [, , , size = 0, x = 0, y = 0] = transform;
  return { text: str, left: x, right: x + width, bottom: y - size * BELOW, top: y + size * ABOVE };
}

/** Beyond plain letters there may be marks, which pdf.js counts as if they stood beside the letter. */
const MARKED = /[^\u0020-\u007E]/;
/** What may be counted twice of two runs of one line, in points: a hair, or such a mark. */
const hairOf = (one: TextBox, other: TextBox): number =>
  Math.abs(one.top - other.top) < 1 && MARKED.test(one.text + other.text) ? MARK : HAIR;
const HAIR = 0.6;
const MARK = 9;

/** Pairs of a page that print over each other. */
export function overlapping({ boxes }: PageTexts): readonly string[] {
  const found: string[] = [];
  for (const [index, one] of boxes.entries()) {
    for (const other of boxes.slice(index + 1)) {
      const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const along = Math.min(one.top, other.top) - Math.max(one.bottom, other.bottom);
      if (across > hairOf(one, other) && along > HAIR) found.push(`"${one.text}" and "${other.text}" by ${across.toFixed(1)}`);
    }
  }
  return found;
}

/** Texts that leave a page, or its margins. */
export const outside = ({ boxes, width, height }: PageTexts, margin = 12): readonly string[] =>
  boxes
    .filter(({ left, right, bottom, top }) => left < margin || right > width - margin || bottom < margin || top > height - margin)
    .map(({ text }) => text);

/** The texts of all pages, without spaces: lines and runs may be split anywhere. */
export const lettersOf = (pages: readonly PageTexts[]): string =>
  pages
    .flatMap(({ boxes }) => boxes.map(({ text }) => text))
    .join("")
    .replaceAll(/\s/g, "");
