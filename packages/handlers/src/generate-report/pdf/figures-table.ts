/** Tables of figures: periods, categories, products… with growth, margin and share, and the totals of the report below. */
import type { ReportFacts } from "../facts.ts";
import type { ComparisonName } from "../comparisons.ts";
import type { Earlier, ExactSums, Figures, Named } from "../figures.ts";
import type { Formats } from "./formats.ts";
import type { Column } from "./page/column-plan.ts";
import type { Table } from "./page/table.ts";

export interface FiguresTable {
  /** Header of the first column. */
  readonly title: string;
  readonly rows: readonly Named[];
  /** Left out where each row is one customer. */
  readonly customers?: boolean;
}

interface FiguresColumn extends Column {
  print(row: Printed): string;
}

/** A row of the table, or its totals. */
interface Printed extends Figures {
  readonly name: string;
  readonly exact: ExactSums;
  readonly earlier: Earlier;
}

const SIZE = 8;
const MAX_LINES = 3;

export function figuresTable({ title, rows, customers = true }: FiguresTable, facts: ReportFacts, formats: Formats): Table {
  const { labels, shape, summary, currency } = facts;
  const number = (name: string, print: FiguresColumn["print"]): FiguresColumn => ({ title: name, kind: "number", print });
  const compared = (["previous", "year_before"] as const).filter((name) => rows.some(({ earlier }) => earlier[name] !== undefined));
  const names: Readonly<Record<ComparisonName, string>> = { previous: labels.previous, year_before: labels.yearBefore };
  const columns: readonly FiguresColumn[] = [
    { title, kind: "text", print: ({ name }) => name },
    number(labels.orders, ({ orders }) => formats.count(orders)),
    ...(customers ? [number(labels.customers, (row) => formats.count(row.customers))] : []),
    number(labels.unitsSold, ({ exact }) => formats.count(exact.units, summary.decimals.quantity)),
    number(`${labels.revenue} (${currency})`, ({ exact }) => formats.amount(exact.revenue)),
    ...compared.map((name) => number(names[name], ({ revenue, earlier }) => formats.growth(revenue, earlier[name]?.revenue))),
    number(labels.share, ({ revenue }) => formats.share(revenue, summary.totals.revenue)),
    ...(shape.profit
      ? [
          number(`${labels.profit} (${currency})`, ({ exact }) => formats.amount(exact.profit)),
          number(labels.margin, ({ profit, revenue }) => formats.share(profit, revenue)),
        ]
      : []),
  ];
  const total: Printed = { ...summary.totals, name: labels.total, exact: summary.exact, earlier: earlierTotals(facts) };
  return {
    columns,
    rows: [...rows, total].map((row) => columns.map(({ print }) => print(row))),
    size: SIZE,
    maxLines: MAX_LINES,
    total: true,
  };
}

function earlierTotals({ summary }: ReportFacts): Earlier {
  return Object.fromEntries(
    summary.comparisons.flatMap((comparison) => (comparison.coverage === "covered" ? [[comparison.name, comparison.totals]] : [])),
  );
}
