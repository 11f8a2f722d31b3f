/** The order lines that a PDF prints: read as they are kept, and printed as the report's language writes them. */
import type { Database } from "../../duckdb/database.ts";
import type { DetailColumn } from "../detail.ts";
import type { ReportFacts } from "../facts.ts";
import { dayName } from "../periods.ts";
import type { Formats } from "./formats.ts";
import type { Table } from "./page/table.ts";

/** Columns that fit across a portrait page; the other keys and the country are in the other formats. */
const PRINTED = new Set(["order_date", "order_id", "customer", "product", "category", "region", "quantity", "revenue"]);
const SIZE = 7;
const MAX_LINES = 3;

export interface PrintedDetail {
  readonly table: Table;
  readonly printed: number;
  /** Order lines in all. */
  readonly total: number;
}

export interface DetailOptions {
  readonly columns: readonly DetailColumn[];
  /** Most lines. */
  readonly rows: number;
}

/** Lines in order of date; when there are too many, those with the most revenue. */
export async function readDetail(
  database: Database,
  facts: ReportFacts,
  formats: Formats,
  { columns, rows }: DetailOptions,
): Promise<PrintedDetail> {
  const { summary, currency, labels } = facts;
  const printed = columns.filter(({ name }) => PRINTED.has(name));
  const select = printed.map(({ name }) => `${name}::VARCHAR AS ${name}`).join(", ");
  const lines = await database.rows<Record<string, string | null>>(
    `SELECT ${select} FROM (SELECT * FROM lines ORDER BY revenue DESC, order_date, order_id LIMIT ${rows}) best ORDER BY best.order_date, best.order_id`,
  );
  const print = printers(facts, formats);
  // All lines add up to the totals of the report; the largest of them add up to nothing anyone asked for.
  const isWhole = lines.length === summary.totals.lines;
  const total: Readonly<Record<string, string>> = {
    [printed[0]?.name ?? ""]: labels.total,
    quantity: print.count(summary.exact.units),
    revenue: print.money(summary.exact.revenue),
  };
  const body = lines.map((line) => printed.map(({ name, kind }) => print[kind](line[name] ?? "")));
  return {
    table: {
      columns: printed.map(({ title, kind }) => ({
        title: kind === "money" ? `${title} (${currency})` : title,
        kind: kind === "count" || kind === "money" ? "number" : kind === "text" ? "text" : "key",
      })),
      rows: isWhole ? [...body, printed.map(({ name }) => total[name] ?? "")] : body,
      total: isWhole,
      size: SIZE,
      maxLines: MAX_LINES,
    },
    printed: lines.length,
    total: summary.totals.lines,
  };
}

function printers({ summary, labels }: ReportFacts, formats: Formats): Readonly<Record<DetailColumn["kind"], (value: string) => string>> {
  const days = new Map<string, string>();
  const day = (value: string): string => {
    const name = days.get(value) ?? dayName(value, labels);
    days.set(value, name);
    return name;
  };
  return {
    date: (value) => (value === "" ? "" : day(value)),
    text: (value) => value,
    key: (value) => value,
    count: (value) => formats.count(value, summary.decimals.quantity),
    money: (value) => formats.amount(value, summary.decimals.revenue),
  };
}
