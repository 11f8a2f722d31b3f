/** Tables of the PDF: numbers to the right, a rule under the header, a light band on every second row. */
import type { ContentTable, TableCell } from "pdfmake/interfaces.js";
import type { ReportFacts } from "../facts.ts";
import type { Figures, Named } from "../figures.ts";
import { COLOUR, type Formats } from "./theme.ts";

export interface Column {
  readonly title: string;
  readonly width: number | "*" | "auto";
  readonly right?: boolean;
}

export interface TableOptions {
  readonly fontSize?: number;
  /** The last row is a total: bold, under a rule. */
  readonly total?: boolean;
}

export function table(columns: readonly Column[], rows: readonly (readonly string[])[], options: TableOptions = {}): ContentTable {
  const { fontSize = 8, total = false } = options;
  const header = columns.map(({ title, right }): TableCell => ({ text: title, style: "tableHeader", alignment: right ? "right" : "left" }));
  const body = rows.map((row, number) =>
    row.map((text, index): TableCell => ({
      text,
      ...(total && number === rows.length - 1 && { style: "tableHeader" }),
      ...(columns[index]?.right && { alignment: "right", noWrap: true }),
      ...(columns[index]?.right && text.startsWith("-") && { color: COLOUR.negative }),
    })),
  );
  return {
    fontSize,
    margin: [0, 2, 0, 14],
    table: {
      headerRows: 1,
      dontBreakRows: true,
      keepWithHeaderRows: 1,
      widths: columns.map(({ width }) => width),
      body: [header, ...body],
    },
    layout: {
      hLineWidth: (line) => (line === 1 || (total && line === rows.length) ? 0.8 : 0),
      vLineWidth: () => 0,
      hLineColor: () => COLOUR.ink,
      fillColor: (row) => (row > 0 && row % 2 === 0 ? COLOUR.band : null),
      paddingTop: () => 2.5,
      paddingBottom: () => 2.5,
      paddingLeft: () => 4,
      paddingRight: () => 4,
    },
  };
}

export interface FiguresTable {
  /** Header of the first column. */
  readonly title: string;
  readonly rows: readonly Named[];
  /** Printed below, when the rows are all there is. */
  readonly total?: Figures;
  /** Left out where each row is one customer. */
  readonly customers?: boolean;
}

/** Figures of periods, categories, products… with their share of all revenue. */
export function figuresTable(given: FiguresTable, { shape, summary }: ReportFacts, formats: Formats): ContentTable {
  const { title, rows, total, customers = true } = given;
  const right = true;
  const columns: Column[] = [
    { title, width: "*" },
    { title: "Orders", width: 48, right },
    ...(customers ? [{ title: "Customers", width: 52, right }] : []),
    { title: "Units", width: 52, right },
    { title: "Revenue", width: 88, right },
    ...(shape.profit ? [{ title: "Profit", width: 84, right }] : []),
    { title: "Share", width: 40, right },
  ];
  const printed = (row: Figures & { readonly name: string }): string[] => [
    row.name,
    formats.count(row.orders),
    ...(customers ? [formats.count(row.customers)] : []),
    formats.count(row.units),
    formats.money(row.revenue),
    ...(shape.profit ? [formats.money(row.profit)] : []),
    formats.share(row.revenue, summary.totals.revenue),
  ];
  const body = [...rows, ...(total ? [{ ...total, name: "Total" }] : [])].map(printed);
  return table(columns, body, { total: total !== undefined });
}
