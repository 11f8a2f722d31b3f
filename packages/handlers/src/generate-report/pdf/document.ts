/** The report as a pdfmake document: page by page, what a reader meets. */
import type { Content, TDocumentDefinitions } from "pdfmake/interfaces.js";
import type { DetailColumn } from "../detail.ts";
import type { ReportFacts } from "../facts.ts";
import type { Named } from "../figures.ts";
import type * as Charts from "./charts.ts";
import { heading, headline } from "./headline.ts";
import { figuresTable, table, type Column, type FiguresTable } from "./tables.ts";
import { COLOUR, CONTENT_WIDTH, MARGIN, formatsFor, type Formats } from "./theme.ts";

/** The detail of a PDF: texts ready to print, and how many lines there are in all. */
export interface PrintedDetail {
  readonly columns: readonly DetailColumn[];
  readonly rows: readonly (readonly string[])[];
  readonly total: number;
}

export function reportDocument(facts: ReportFacts, detail: PrintedDetail, charts: typeof Charts | undefined): TDocumentDefinitions {
  const formats = formatsFor(facts.currency);
  return {
    pageSize: "A4",
    pageMargins: [MARGIN, 46, MARGIN, 44],
    info: {
      title: `${facts.title}: ${facts.subtitle}`,
      creator: "Streamer",
      producer: "Streamer",
      creationDate: new Date(facts.generatedAt),
    },
    language: "en",
    displayTitle: true,
    defaultStyle: { font: "Roboto", fontSize: 9, color: COLOUR.text },
    styles: {
      title: { fontSize: 22, bold: true, color: COLOUR.ink },
      subtitle: { fontSize: 12, color: COLOUR.ink, margin: [0, 2, 0, 4] },
      section: { fontSize: 12, bold: true, color: COLOUR.ink, margin: [0, 2, 0, 4] },
      note: { fontSize: 8, color: COLOUR.muted },
      tableHeader: { bold: true, color: COLOUR.ink },
    },
    header: (page) => (page === 1 ? null : running(facts.title, facts.subtitle, 22)),
    footer: (page, pages) => running(`Generated ${facts.generatedAt.slice(0, 16).replace("T", " ")} UTC`, `Page ${page} of ${pages}`, 14),
    content: [heading(facts), headline(facts, formats), ...figures(facts, formats, charts), ...printedDetail(detail)],
  };
}

const running = (left: string, right: string, top: number): Content => ({
  columns: [{ text: left }, { text: right, alignment: "right" }],
  margin: [MARGIN, top, MARGIN, 0],
  fontSize: 7.5,
  color: COLOUR.muted,
});

/** Longest part kept on one page, in rows; longer tables may break, but never leave their title behind. */
const MAX_UNBROKEN = 14;
/** Bars of one ranking: more are read in its table. */
const MAX_BARS = 12;

function figures(facts: ReportFacts, formats: Formats, charts: typeof Charts | undefined): Content[] {
  const { summary, shape } = facts;
  const whole = summary.totals.revenue;
  if (summary.totals.lines === 0) return [{ text: "No sales in this period with these filters.", margin: [0, 8, 0, 12], italics: true }];
  const part = (title: string, given: FiguresTable, chart?: string): Content => {
    if (given.rows.length === 0) return [];
    const top: Content[] = [{ text: title, style: "section" }, ...(chart ? [{ svg: chart, margin: [0, 0, 0, 6] } as Content] : [])];
    const figuresOf = figuresTable(given, facts, formats);
    if (given.rows.length <= MAX_UNBROKEN) return { stack: [...top, figuresOf], unbreakable: true };
    return [{ stack: top, unbreakable: true }, figuresOf];
  };
  const bars = (rows: readonly Named[]): string | undefined => charts?.rankingChart(rows.slice(0, MAX_BARS), whole, formats, CONTENT_WIDTH);
  const { periods, categories, products, regions, countries, customers } = summary;
  return [
    part(
      `Revenue by ${summary.unit}`,
      { title: "Period", rows: periods, total: summary.totals },
      charts?.periodChart(periods, formats, shape.profit),
    ),
    part("Categories", { title: "Category", rows: categories }, bars(categories)),
    part("Top products", { title: "Product", rows: products }, bars(products)),
    part("Top regions", { title: "Region", rows: regions }, bars(regions)),
    part("Top countries", { title: "Country", rows: countries }),
    part("Top customers", { title: "Customer", rows: customers, customers: false }),
  ];
}

function printedDetail({ columns, rows, total }: PrintedDetail): Content[] {
  if (rows.length === 0) return [];
  const count = new Intl.NumberFormat("en-US");
  const note =
    rows.length < total
      ? `Shortened: the ${count.format(rows.length)} lines with the highest revenue, of ${count.format(total)}. The same report as CSV or Excel has them all.`
      : `All ${count.format(total)} lines.`;
  const titles = columns.map(({ name, title, kind }): Column => ({
    title,
    width: WIDTHS[name] ?? "*",
    right: kind === "count" || kind === "money",
  }));
  return [
    { text: "Order lines", style: "section", pageBreak: "before" },
    { text: note, style: "note", margin: [0, 0, 0, 6] },
    table(titles, rows, { fontSize: 7 }),
  ];
}

/** In points; customer and product share what is left. */
const WIDTHS: Readonly<Record<string, number>> = { order_date: 42, order_id: 48, category: 64, region: 60, quantity: 34, revenue: 46 };
