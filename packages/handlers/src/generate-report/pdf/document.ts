/** The report page by page, in the order in which a reader meets it. */
import type { Warning } from "../../warnings.ts";
import type { ReportFacts } from "../facts.ts";
import type { Named } from "../figures.ts";
import { printCards } from "./cards.ts";
import { PERIOD_CHART_HEIGHT, printPeriodChart } from "./charts/period-chart.ts";
import { printRankingChart, rankingChartHeight } from "./charts/ranking-chart.ts";
import type { PrintedDetail } from "./detail-table.ts";
import { figuresTable, type FiguresTable } from "./figures-table.ts";
import type { Formats } from "./formats.ts";
import { paragraph, printHeading, printWarnings } from "./headline.ts";
import type { Logo } from "./logo.ts";
import type { Paper } from "./page/paper.ts";
import { layOut, type Table } from "./page/table.ts";

export interface ReportContent {
  readonly facts: ReportFacts;
  readonly formats: Formats;
  readonly logo: Logo | undefined;
  readonly warnings: readonly Warning[];
  /** Undefined where only the summary was asked for. */
  readonly detail: PrintedDetail | undefined;
  /** How many order lines are printed. */
  readonly printed: (rows: number) => void;
}

/** Bars of one ranking: more are read in its table. */
const MAX_BARS = 12;
/** Points of a title, and of the note below that of the order lines. */
const TITLE = 24;
const NOTE = 20;

interface Part {
  readonly title: string;
  readonly table: FiguresTable;
  readonly chart?: { readonly height: number; print(): void } | undefined;
}

export async function printReport(paper: Paper, content: ReportContent): Promise<void> {
  const { facts, formats, detail } = content;
  const { labels, summary } = facts;
  paper.bookmark(labels.totals);
  printHeading(paper, facts, content.logo);
  printWarnings(paper, content.warnings, labels.warnings);
  printCards(paper, facts, formats);
  if (summary.totals.lines === 0)
    paragraph(paper, labels.noSales, { size: 9, colour: paper.colours.text, width: paper.width, maxLines: 3 });
  else for (const part of partsOf(paper, content)) await printPart(paper, part, content);
  if (detail && detail.printed > 0) await printDetail(paper, detail, content);
}

/** Every text that comes from the data or the request: what is looked through for letters that no face has. */
export function textsOf({ facts, detail, warnings }: Omit<ReportContent, "logo" | "printed">): readonly string[] {
  const { summary, title, subtitle, filters } = facts;
  const named = [summary.categories, summary.products, summary.regions, summary.countries, summary.customers].flat();
  return [
    title,
    subtitle,
    ...filters.flatMap(({ values }) => values),
    ...warnings.map(({ message }) => message),
    ...named.map(({ name }) => name),
    ...(detail?.table.rows.flat() ?? []),
  ];
}

function partsOf(paper: Paper, { facts, formats }: ReportContent): readonly Part[] {
  const { summary, labels, shape, includeCharts } = facts;
  const { categories, products, regions, countries, customers } = summary;
  const periodChart = {
    height: PERIOD_CHART_HEIGHT,
    print: () => printPeriodChart(paper, { summary, labels, formats, withProfit: shape.profit }),
  };
  const bars = (title: string, rows: readonly Named[]): Part["chart"] => {
    // All the others together would be the longest bar, and say nothing of the ranking.
    const shown = rows.filter(({ role }) => role !== "other").slice(0, MAX_BARS);
    if (!includeCharts || shown.length < 2) return undefined;
    const print = (): void => printRankingChart(paper, { title, rows: shown, whole: summary.totals.revenue, formats });
    return { height: rankingChartHeight(shown.length), print };
  };
  const parts: readonly Part[] = [
    {
      title: labels.revenueBy[summary.unit],
      table: { title: labels.period, rows: summary.periods },
      chart: includeCharts ? periodChart : undefined,
    },
    { title: labels.categories, table: { title: labels.category, rows: categories }, chart: bars(labels.categories, categories) },
    { title: labels.topProducts, table: { title: labels.product, rows: products }, chart: bars(labels.topProducts, products) },
    { title: labels.topRegions, table: { title: labels.region, rows: regions }, chart: bars(labels.topRegions, regions) },
    { title: labels.topCountries, table: { title: labels.country, rows: countries } },
    { title: labels.topCustomers, table: { title: labels.customer, rows: customers, customers: false } },
  ];
  return parts.filter(({ table }) => table.rows.length > 0);
}

/** Title, chart and the beginning of the table stay together; a short table is kept whole. */
async function printPart(paper: Paper, { title, table, chart }: Part, { facts, formats }: ReportContent): Promise<void> {
  const laidOut = layOut(paper, figuresTable(table, facts, formats));
  const above = TITLE + (chart?.height ?? 0);
  await paper.ensure(above + (Number.isFinite(laidOut.height) ? laidOut.height : laidOut.start));
  printTitle(paper, title);
  chart?.print();
  await laidOut.print();
  paper.y += 16;
}

function printTitle(paper: Paper, title: string): void {
  const style = { size: 12, bold: true, colour: paper.colours.ink };
  paper.bookmark(title);
  paper.tagged("H2", () => paper.type.print(title, style, { x: paper.left, y: paper.y + 13 }));
  paper.y += TITLE;
}

async function printDetail(
  paper: Paper,
  { table, printed, total }: PrintedDetail,
  { facts, formats, printed: tell }: ReportContent,
): Promise<void> {
  const { labels } = facts;
  const told: Table = { ...table, printed: tell };
  const laidOut = layOut(paper, told);
  // On pages of their own, unless they are few.
  if (TITLE + NOTE + laidOut.height > paper.room()) await paper.turn();
  printTitle(paper, labels.orderLines);
  const note =
    printed < total ? labels.shortened(formats.count(printed), formats.count(total)) : labels.allLines(total, formats.count(total));
  paragraph(paper, note, { size: 8, colour: paper.colours.muted, width: paper.width, maxLines: 3 });
  paper.y += 6;
  await laidOut.print();
}

/** Head and foot of each page: the first has no head, since its title is there. */
export function printFurniture(paper: Paper, facts: ReportFacts, place: { readonly page: number; readonly pages: number }): void {
  const { type, left, width, document } = paper;
  const { labels } = facts;
  const style = { size: 7.5, colour: paper.colours.muted };
  const line = (texts: readonly [string, string], y: number): void => {
    const right = type.fit(texts[1], style, { width: width * 0.45 });
    type.print(right, style, { x: left + width, y, align: "right" });
    type.print(type.fit(texts[0], style, { width: width * 0.5 }), style, { x: left, y });
  };
  if (place.page > 1) line([facts.title, facts.subtitle], 30);
  const generated = `${labels.generated} ${facts.generatedAt.slice(0, 16).replace("T", " ")} UTC`;
  line([generated, labels.page(place.page, place.pages)], document.page.height - 22);
}
