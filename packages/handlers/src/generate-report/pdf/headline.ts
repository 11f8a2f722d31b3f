/** The top of the first page: what the report is about, and its headline figures in two rows of cards. */
import type { Content } from "pdfmake/interfaces.js";
import type { ReportFacts } from "../facts.ts";
import { COLOUR, CONTENT_WIDTH, type Formats } from "./theme.ts";

export function heading({ title, subtitle, filters, currency }: ReportFacts): Content {
  const chosen = filters.map(({ field, values }) => `${field}: ${values.join(", ")}`).join("   ·   ");
  return [
    { text: title, style: "title" },
    { text: subtitle, style: "subtitle" },
    { text: `${chosen === "" ? "No filters: all sales of the period" : `Filters: ${chosen}`}   ·   Amounts in ${currency}`, style: "note" },
    { canvas: [{ type: "line", x1: 0, y1: 0, x2: CONTENT_WIDTH, y2: 0, lineWidth: 1.5, lineColor: COLOUR.ink }], margin: [0, 8, 0, 12] },
  ];
}

export function headline({ summary, shape }: ReportFacts, formats: Formats): Content {
  const { totals } = summary;
  const profit = {
    label: "Profit",
    value: formats.shortMoney(totals.profit),
    note: `${formats.share(totals.profit, totals.revenue)} of revenue`,
  };
  const units = { label: "Units", value: formats.count(totals.units), note: `${formats.count(totals.lines)} order lines` };
  const cards = [
    { label: "Revenue", value: formats.shortMoney(totals.revenue), note: formats.money(totals.revenue) },
    shape.profit ? profit : units,
    { label: "Orders", value: formats.count(totals.orders), note: `${formats.money(totals.average_order)} on average` },
    {
      label: "Customers",
      value: formats.count(totals.customers),
      note: `${formats.share(totals.returning_customers, totals.customers)} came back`,
    },
  ];
  const returns = `Returns: ${formats.count(totals.returned_lines)} lines, ${formats.money(totals.returned_revenue)}`;
  return [
    {
      margin: [0, 0, 0, 6],
      table: { widths: cards.map(() => "*"), body: [cards.map((card) => ({ stack: stackOf(card) }))] },
      layout: {
        hLineWidth: () => 0,
        vLineWidth: (line, { table }) => (line > 0 && line < (table.widths?.length ?? 0) ? 6 : 0),
        vLineColor: () => "#FFFFFF",
        fillColor: () => COLOUR.band,
        paddingTop: () => 8,
        paddingBottom: () => 8,
        paddingLeft: () => 10,
        paddingRight: () => 6,
      },
    },
    {
      text: shape.profit ? `${units.label}: ${units.value} on ${units.note}   ·   ${returns}` : returns,
      style: "note",
      margin: [0, 0, 0, 12],
    },
  ];
}

const stackOf = ({ label, value, note }: { label: string; value: string; note: string }): Content[] => [
  { text: label, fontSize: 8, color: COLOUR.muted },
  { text: value, fontSize: 18, bold: true, color: COLOUR.ink, margin: [0, 1, 0, 1] },
  { text: note, fontSize: 8, color: COLOUR.muted },
];
