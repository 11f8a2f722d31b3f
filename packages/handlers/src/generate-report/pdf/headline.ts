/** The top of the first page: what the report is about, what to know before trusting it, and its headline figures. */
import type { ReportFacts } from "../facts.ts";
import type { Warning } from "../../warnings.ts";
import type { Paper } from "./page/paper.ts";
import { printLogo, type Logo } from "./logo.ts";

const TITLE_SIZES = [22, 18, 15] as const;

export function printHeading(paper: Paper, facts: ReportFacts, logo: Logo | undefined): void {
  const { type, colours, left, width } = paper;
  const top = paper.y;
  const drawn = logo ? printLogo(paper, logo, facts.title) : { width: 0, height: 0 };
  const room = width - (drawn.width > 0 ? drawn.width + 16 : 0);
  // A long title becomes smaller rather than cut.
  const size =
    TITLE_SIZES.find((one) => type.lines(facts.title, { size: one, bold: true }, { width: room, maxLines: 3 }).length <= 2) ?? 14;
  const title = { size, bold: true, colour: colours.ink };
  const titleLines = type.lines(facts.title, title, { width: room, maxLines: 4 });
  paper.tagged("H1", () => {
    for (const line of titleLines) {
      type.print(line, title, { x: left, y: paper.y + size * 0.91 });
      paper.y += size * 1.27;
    }
  });
  paragraph(paper, facts.subtitle, { size: 12, colour: colours.ink, width: room, maxLines: 2 });
  paper.y = Math.max(paper.y, top + drawn.height) + 4;
  const { labels } = facts;
  const filters = facts.filters.map(({ field, values }) => `${field}: ${values.join(", ")}`).join("   ·   ");
  const about = [filters === "" ? labels.noFilters : `${labels.filters}: ${filters}`, labels.amountsIn(facts.currency), ...facts.notes];
  paragraph(paper, about.join("   ·   "), { size: 8, colour: colours.muted, width, maxLines: MOST_FILTER_LINES });
  paper.y += 6;
  paper.artifact(
    () =>
      void paper.document
        .moveTo(left, paper.y)
        .lineTo(left + width, paper.y)
        .lineWidth(1.5)
        .stroke(colours.ink),
  );
  paper.y += 12;
}

/** Fifty filter values of two hundred characters are not the report: the request has them all. */
const MOST_FILTER_LINES = 12;

export interface Paragraph {
  readonly size: number;
  readonly colour: string;
  readonly width: number;
  readonly maxLines: number;
  readonly bold?: boolean;
  /** Default the paper's left edge. */
  readonly x?: number;
}

export function paragraph(paper: Paper, text: string, { size, colour, width, maxLines, bold = false, x = paper.left }: Paragraph): void {
  const style = { size, colour, bold };
  const lines = paper.type.lines(text, style, { width, maxLines });
  paper.tagged("P", () => {
    for (const line of lines) {
      paper.type.print(line, style, { x, y: paper.y + size * 1.06 });
      paper.y += size * 1.42;
    }
  });
}

/** Warnings printed on the first page; the result has them all. */
const MOST_WARNINGS = 6;
const WARNING_LINES = 4;

export function printWarnings(paper: Paper, warnings: readonly Warning[], title: string): void {
  if (warnings.length === 0) return;
  const { type, colours, left, width } = paper;
  const size = 8;
  const inside = width - 24;
  const shown = warnings.slice(0, MOST_WARNINGS).map(({ message }) => message);
  const texts = warnings.length > MOST_WARNINGS ? [...shown, `+ ${warnings.length - MOST_WARNINGS}`] : shown;
  const lines = texts.reduce((total, text) => total + type.lines(text, { size }, { width: inside, maxLines: WARNING_LINES }).length, 1);
  const height = lines * size * 1.42 + texts.length * 2 + 14;
  paper.artifact(() => {
    paper.document.rect(left, paper.y, width, height).fill(colours.warning);
    paper.document.rect(left, paper.y, 3, height).fill(colours.second);
  });
  const after = paper.y + height + 12;
  paper.y += 6;
  paragraph(paper, title, { size, bold: true, colour: colours.ink, width: inside, maxLines: 1, x: left + 12 });
  for (const text of texts) {
    paper.y += 2;
    paragraph(paper, text, { size, colour: colours.text, width: inside, maxLines: WARNING_LINES, x: left + 12 });
  }
  paper.y = after;
}
