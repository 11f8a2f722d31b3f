/** What every sheet of a report has around its cells: one page wide in print, numbered pages. */
import type { ReportFacts } from "../facts.ts";
import { DECLARATION, MAIN, OFFICE } from "./names.ts";
import { cellText } from "./xml.ts";

/** Excel's numbers for sizes of paper. */
const PAPER = { A4: 9, Letter: 1 } as const;

export function sheetOpen(view: string): string {
  const tab = `<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>`;
  return `${DECLARATION}<worksheet xmlns="${MAIN}" xmlns:r="${OFFICE}">${tab}<sheetViews>${view}</sheetViews><sheetFormatPr defaultRowHeight="15"/>`;
}

export interface SheetEnd {
  readonly drawing?: boolean;
  /** Cells that hold digits as texts: Excel need not point at them. */
  readonly digitTexts?: string;
}

export function sheetEnd({ settings, title }: ReportFacts, { drawing = false, digitTexts }: SheetEnd): string {
  // In a footer & begins a code.
  const footer = cellText(`&L${title.replaceAll("&", "&&")}&R&P / &N`);
  return (
    `<pageMargins left="0.5" right="0.5" top="0.6" bottom="0.6" header="0.3" footer="0.3"/>` +
    `<pageSetup paperSize="${PAPER[settings.page_size ?? "A4"]}" orientation="landscape" fitToWidth="1" fitToHeight="0"/>` +
    `<headerFooter><oddFooter>${footer}</oddFooter></headerFooter>` +
    (digitTexts === undefined ? "" : `<ignoredErrors><ignoredError sqref="${digitTexts}" numberStoredAsText="1"/></ignoredErrors>`) +
    `${drawing ? '<drawing r:id="rId1"/>' : ""}</worksheet>`
  );
}
