/** The first sheet: what the report says before anyone scrolls through its detail. Warnings come first. */
import { growthOf, type ComparisonName } from "../comparisons.ts";
import type { ReportFacts } from "../facts.ts";
import type { ExactSums, Figures, Named } from "../figures.ts";
import type { Chart } from "./charts.ts";
import { sheetEnd, sheetOpen } from "./sheet.ts";
import { columnLetter, columnWidths, rowXml, type Cell } from "./xml.ts";

/** Columns in characters: the names, then figures; a longer title makes its column wider. */
const WIDTHS = [36, 13, 13, 13, 13, 18, 18, 12, 12, 18, 12, 18, 12];
/** Rows of the sheet that the charts take. */
const CHART_ROWS = 18;
/** Bars of one chart: more are read in the table. */
const MAX_BARS = 60;
const MAX_RANKED_BARS = 12;
/** Column of the revenue in every table. */
const REVENUE = 5;

export interface SummarySheet {
  readonly xml: string;
  readonly charts: readonly Chart[];
}

type Row = readonly Cell[];
interface Table {
  readonly title: string;
  readonly rows: readonly Named[];
}

export function summarySheet(facts: ReportFacts): SummarySheet {
  const head = heading(facts);
  const withCharts = facts.includeCharts && facts.summary.totals.lines > 0;
  const rows: Row[] = [...head, ...Array.from({ length: withCharts ? CHART_ROWS : 0 }, (): Row => [])];
  const starts = new Map<Table, number>();
  const tables = tablesOf(facts);
  for (const table of tables) {
    rows.push(...tableRows(facts, table));
    starts.set(table, rows.length - table.rows.length); // the first row's number: a total follows the last
  }
  const charts = withCharts ? chartsOf(facts, tables, starts, head.length) : [];
  const xml = rows.map((cells, index) => rowXml(index + 1, cells)).join("");
  return {
    xml:
      sheetOpen('<sheetView showGridLines="0" workbookViewId="0"/>') +
      `${columnWidths(WIDTHS.map((width, index) => Math.max(width, widestTitle(rows, index) + 2)))}<sheetData>${xml}</sheetData>${sheetEnd(facts, { drawing: charts.length > 0 })}`,
    charts,
  };
}

function widestTitle(rows: readonly Row[], column: number): number {
  const titles = rows.flatMap((row) => row[column] ?? []).filter(({ style }) => style.startsWith("header"));
  return Math.max(0, ...titles.map(({ value }) => (typeof value === "string" ? value.length : 0)));
}

const cell = (value: Cell["value"], style: Cell["style"] = "plain"): Cell => ({ value, style });
const exactly = (digits: string, style: Cell["style"]): Cell => ({ value: { digits }, style });
const named = (facts: ReportFacts, label: string): string => `${label} (${facts.currency})`;

function heading(facts: ReportFacts): readonly Row[] {
  const { labels, summary, warnings } = facts;
  const { totals, exact } = summary;
  const fact = (name: string, value: Cell): Row => [cell(name, "muted"), value];
  return [
    [cell(facts.title, "title")],
    [cell(facts.subtitle, "muted")],
    ...(warnings.length > 0 ? [[cell(labels.warnings, "section")], ...warnings.map(({ message }): Row => [cell(message)])] : []),
    ...facts.filters.map(({ field, values }) => fact(`${labels.filter}: ${field}`, cell(values.join(", ")))),
    ...facts.notes.map((note): Row => [cell(note, "muted")]),
    fact(labels.generated, cell(facts.generatedAt)),
    [],
    [cell(labels.totals, "section")],
    fact(named(facts, labels.revenue), exactly(exact.revenue, "sum")),
    ...(facts.shape.profit
      ? [fact(named(facts, labels.profit), exactly(exact.profit, "sum")), fact(labels.margin, cell(marginOf(totals), "percent"))]
      : []),
    ...comparedTotals(facts),
    fact(labels.orders, cell(totals.orders, "count")),
    fact(named(facts, labels.averageOrder), exactly(exact.average_order, "sum")),
    fact(labels.customers, cell(totals.customers, "count")),
    fact(labels.returningCustomers, cell(totals.returning_customers, "count")),
    fact(labels.unitsSold, exactly(exact.units, "quantity")),
    fact(labels.orderLines, cell(totals.lines, "count")),
    fact(labels.returnedLines, cell(totals.returned_lines, "count")),
    fact(named(facts, labels.returnedRevenue), exactly(exact.returned_revenue, "sum")),
    [],
  ];
}

const marginOf = ({ profit, revenue }: Figures): number | undefined => (revenue === 0 ? undefined : profit / revenue);

const comparedLabel = ({ labels }: ReportFacts, name: ComparisonName): string =>
  name === "previous" ? labels.previous : labels.yearBefore;

function comparedTotals(facts: ReportFacts): readonly Row[] {
  const { labels, summary } = facts;
  return summary.comparisons.flatMap((comparison): Row[] => {
    if (comparison.coverage === "not_covered") return [];
    const title = `${labels.revenue}, ${comparedLabel(facts, comparison.name)} (${facts.currency})`;
    return [
      [cell(title, "muted"), exactly(comparison.exact.revenue, "sum")],
      [cell(labels.growth, "muted"), cell(growthOf(summary.totals.revenue, comparison.totals.revenue), "percent")],
    ];
  });
}

function tablesOf({ summary, labels, shape }: ReportFacts): readonly Table[] {
  return [
    { title: labels.revenueBy[summary.unit], rows: summary.periods },
    { title: labels.categories, rows: summary.categories },
    ...(shape.region ? [{ title: labels.topRegions, rows: summary.regions }] : []),
    ...(shape.country ? [{ title: labels.topCountries, rows: summary.countries }] : []),
    { title: labels.topProducts, rows: summary.products },
    { title: labels.topCustomers, rows: summary.customers },
  ];
}

/** Periods are compared with the row before them as well; other tables with what the data covers. */
function comparedIn({ summary }: ReportFacts, rows: readonly Named[]): readonly ComparisonName[] {
  const covered = summary.comparisons.filter(({ coverage }) => coverage === "covered").map(({ name }) => name);
  return rows === summary.periods ? (["previous", ...covered.filter((name) => name === "year_before")] as const) : covered;
}

function tableRows(facts: ReportFacts, { title, rows }: Table): readonly Row[] {
  const { labels, shape, summary } = facts;
  const compared = comparedIn(facts, rows);
  const headers = [
    labels.orderLines,
    labels.orders,
    labels.customers,
    labels.unitsSold,
    named(facts, labels.revenue),
    ...(shape.profit ? [named(facts, labels.profit), labels.margin] : []),
    labels.share,
    ...compared.flatMap((name) => [named(facts, comparedLabel(facts, name)), labels.growth]),
  ];
  const totals = { ...summary.totals, name: labels.total, exact: summary.exact, earlier: earlierTotals(facts, rows) };
  return [
    [],
    [cell(title, "section")],
    [cell(labels.name, "header"), ...headers.map((header) => cell(header, "headerRight"))],
    ...rows.map((row) => figuresRow(facts, row, compared, ROW_STYLES)),
    figuresRow(facts, totals, compared, TOTAL_STYLES),
  ];
}

/** No total stands under the periods before each other. */
function earlierTotals({ summary }: ReportFacts, rows: readonly Named[]): Named["earlier"] {
  const covered = summary.comparisons.flatMap((comparison) =>
    comparison.coverage === "covered" && (rows !== summary.periods || comparison.name === "year_before")
      ? [[comparison.name, comparison.totals] as const]
      : [],
  );
  return Object.fromEntries(covered);
}

const ROW_STYLES = { text: "plain", count: "count", quantity: "quantity", sum: "sum", percent: "percent" } as const;
const TOTAL_STYLES = {
  text: "totalText",
  count: "totalCount",
  quantity: "totalQuantity",
  sum: "totalSum",
  percent: "totalPercent",
} as const;

type Printed = Figures & Pick<Named, "name" | "earlier"> & { readonly exact: ExactSums };

function figuresRow(
  facts: ReportFacts,
  row: Printed,
  compared: readonly ComparisonName[],
  style: typeof ROW_STYLES | typeof TOTAL_STYLES,
): Row {
  const { revenue } = facts.summary.totals;
  return [
    cell(row.name, style.text),
    ...[row.lines, row.orders, row.customers].map((value) => cell(value, style.count)),
    exactly(row.exact.units, style.quantity),
    exactly(row.exact.revenue, style.sum),
    ...(facts.shape.profit ? [exactly(row.exact.profit, style.sum), cell(marginOf(row), style.percent)] : []),
    cell(revenue === 0 ? 0 : row.revenue / revenue, style.percent),
    ...compared.flatMap((name) => {
      const earlier = row.earlier[name];
      return [cell(earlier?.revenue, style.sum), cell(growthOf(row.revenue, earlier?.revenue), style.percent)];
    }),
  ];
}

function chartsOf(facts: ReportFacts, tables: readonly Table[], starts: ReadonlyMap<Table, number>, top: number): readonly Chart[] {
  const { labels, summary } = facts;
  const column = columnLetter(REVENUE);
  const header = named(facts, labels.revenue);
  const [periods, categories] = tables;
  const places = [
    { table: periods!, bars: "upright", most: MAX_BARS, from: [0, top], to: [4, top + CHART_ROWS - 1] },
    {
      // A shop of one category is told apart by its products.
      table: summary.categories.length > 1 ? categories! : tables.find(({ rows }) => rows === summary.products)!,
      bars: "lying",
      most: MAX_RANKED_BARS,
      from: [4, top],
      to: [9, top + CHART_ROWS - 1],
    },
  ] as const;
  return places.map(({ table, bars, most, from, to }) => ({
    title: table.title,
    bars,
    rows: table.rows.slice(0, most),
    firstRow: starts.get(table)!,
    column,
    header,
    from,
    to,
  }));
}
