/** The first sheet: what the report says before anyone scrolls through its detail. */
import type { ReportFacts } from "../facts.ts";
import type { Named } from "../figures.ts";
import { WORKSHEET_OPEN, columnWidths, rowXml, type Cell } from "./workbook-parts.ts";

const WIDTHS = [36, 14, 14, 14, 14, 18, 18, 12];

export function summarySheet(facts: ReportFacts): string {
  const rows = [...heading(facts), ...tables(facts)];
  const xml = rows.map((cells, index) => rowXml(index + 1, cells)).join("");
  return (
    `${WORKSHEET_OPEN}<sheetViews><sheetView showGridLines="0" workbookViewId="0"/></sheetViews>` +
    `${columnWidths(WIDTHS)}<sheetData>${xml}</sheetData></worksheet>`
  );
}

const cell = (value: string | number, style: Cell["style"] = "plain"): Cell => ({ value, style });

function heading(facts: ReportFacts): readonly (readonly Cell[])[] {
  const fact = (name: string, value: string | number, style: Cell["style"] = "plain"): Cell[] => [cell(name, "muted"), cell(value, style)];
  const { totals } = facts.summary;
  return [
    [cell(facts.title, "title")],
    [cell(facts.subtitle, "muted")],
    ...facts.filters.map(({ field, values }) => fact(`Filter: ${field}`, values.join(", "))),
    fact("Generated", facts.generatedAt),
    [],
    [cell("Totals", "section")],
    fact(`Revenue (${facts.currency})`, totals.revenue, "money"),
    ...(facts.shape.profit ? [fact(`Profit (${facts.currency})`, totals.profit, "money")] : []),
    fact("Orders", totals.orders, "count"),
    fact(`Average order (${facts.currency})`, totals.average_order, "money"),
    fact("Customers", totals.customers, "count"),
    fact("Customers with two orders or more", totals.returning_customers, "count"),
    fact("Units", totals.units, "count"),
    fact("Order lines", totals.lines, "count"),
    fact("Returned lines", totals.returned_lines, "count"),
    fact(`Returned revenue (${facts.currency})`, totals.returned_revenue, "money"),
  ];
}

function tables(facts: ReportFacts): readonly (readonly Cell[])[] {
  const { summary } = facts;
  return [
    ...table(facts, "By period", summary.periods),
    ...table(facts, "By category", summary.categories),
    ...(facts.shape.region ? table(facts, "Top regions", summary.regions) : []),
    ...(facts.shape.country ? table(facts, "Top countries", summary.countries) : []),
    ...table(facts, "Top products", summary.products),
    ...table(facts, "Top customers", summary.customers),
  ];
}

function table({ shape, currency, summary }: ReportFacts, title: string, rows: readonly Named[]): readonly (readonly Cell[])[] {
  const { revenue } = summary.totals;
  const headers = ["Order lines", "Orders", "Customers", "Units", `Revenue (${currency})`];
  if (shape.profit) headers.push(`Profit (${currency})`);
  headers.push("Share");
  return [
    [],
    [cell(title, "section")],
    [cell("Name", "header"), ...headers.map((header) => cell(header, "headerRight"))],
    ...rows.map((row) => [
      cell(row.name),
      ...[row.lines, row.orders, row.customers, row.units].map((value) => cell(value, "count")),
      cell(row.revenue, "money"),
      ...(shape.profit ? [cell(row.profit, "money")] : []),
      cell(revenue === 0 ? 0 : row.revenue / revenue, "percent"),
    ]),
  ];
}
