/**
 * Stage 2, process: everything a report says above its detail. All figures are computed from the lines of stage 1 in
 * exact decimals and become numbers only here, at the end; what is printed keeps every decimal as text.
 */
import type { Database } from "../duckdb/database.ts";
import { comparedSpans, isCovered, yearEarlier } from "./comparisons.ts";
import {
  withExact,
  type Comparison,
  type ExactSums,
  type Figures,
  type Named,
  type Period,
  type Summary,
  type Totals,
  type WithExact,
} from "./figures.ts";
import type { ReportInput } from "./input.ts";
import type { Labels } from "./locale/labels.ts";
import { beginSql, periodName, periodUnit, periodsIn, type Calendar, type PeriodUnit } from "./periods.ts";
import { count, type StageProgress } from "./progress.ts";
import type { Queried } from "./query.ts";
import { rankedRows, type Dimension } from "./ranking.ts";

/** Rows of each "top" table: what a reader takes in at a glance. */
const TOP = 10;
/** Categories in one report; a shop that files each product under its own gets the first of them. */
const MAX_CATEGORIES = 100;

const SUMS = `coalesce(sum(quantity), 0) AS units, coalesce(sum(revenue), 0) AS revenue, coalesce(sum(profit), 0) AS profit`;
const EXACT = "units::VARCHAR AS units_exact, revenue::VARCHAR AS revenue_exact, profit::VARCHAR AS profit_exact";

export interface Asked {
  readonly input: ReportInput;
  readonly labels: Labels;
  readonly calendar: Calendar;
}

export async function summarize(database: Database, asked: Asked, found: Queried, tell: StageProgress): Promise<Summary> {
  const { input, labels } = asked;
  const { shape, data } = found;
  const unit = periodUnit(input);
  const comparisons = await comparisonsOf(database, input, data?.first ?? null);
  const covered = comparisons.filter(({ coverage }) => coverage === "covered");
  const ranked = (dimension: Dimension, limit = TOP): Promise<readonly Named[]> =>
    rankedRows(database, { dimension, limit, labels, comparisons: covered });
  const { exact, totals, decimals } = await totalsOf(database);
  tell(1 / 7, `Totals of ${count(totals.lines)} order lines`, { lines: totals.lines });
  const periods = await periodRows(database, asked, { unit, comparisons: covered });
  tell(2 / 7, `${count(periods.length)} periods`, { periods: periods.length });
  const categories = await ranked("category", MAX_CATEGORIES);
  tell(3 / 7, `${count(categories.length)} categories`, { categories: categories.length });
  const regions = shape.region ? await ranked("region") : [];
  tell(4 / 7, shape.region ? "Regions compared" : "No regions in this data", { regions: regions.length });
  const countries = shape.country ? await ranked("country") : [];
  tell(5 / 7, shape.country ? "Countries compared" : "No countries in this data", { countries: countries.length });
  const products = await ranked("product");
  tell(6 / 7, "Products ranked", { products: products.length });
  const customers = await ranked("customer");
  tell(1, "Customers ranked", { customers: customers.length });
  return { unit, totals, exact, comparisons, data, decimals, periods, categories, regions, countries, products, customers };
}

async function comparisonsOf(database: Database, input: ReportInput, firstDay: string | null): Promise<readonly Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const span of comparedSpans(input)) {
    if (!isCovered(span, firstDay)) {
      comparisons.push({ ...span, coverage: "not_covered" });
      continue;
    }
    const { exact, ...totals } = await one<Figures & { exact: ExactSums }>(
      database,
      `SELECT lines, orders, customers, units::DOUBLE AS units, revenue::DOUBLE AS revenue, profit::DOUBLE AS profit, ${EXACT} FROM (
         SELECT count(*)::DOUBLE AS lines, count(DISTINCT order_id)::DOUBLE AS orders, count(DISTINCT customer_key)::DOUBLE AS customers, ${SUMS}
         FROM earlier WHERE order_date BETWEEN $1::DATE AND $2::DATE)`,
      [span.start, span.end],
    );
    comparisons.push({ ...span, coverage: "covered", totals, exact });
  }
  return comparisons;
}

async function one<Row>(database: Database, sql: string, values: readonly string[] = []): Promise<Row> {
  const [row] = await database.rows<Row & WithExact>(sql, values);
  if (!row) throw new Error("DuckDB answered an aggregate without a row");
  return withExact(row) as unknown as Row;
}

interface Totalled {
  readonly totals: Totals;
  readonly exact: Summary["exact"];
  readonly decimals: Summary["decimals"];
}

async function totalsOf(database: Database): Promise<Totalled> {
  const decimalsOf = (column: string): string =>
    `(CASE ${[0, 1, 2, 3].map((places) => `WHEN bool_and(${column} = round(${column}, ${places})) THEN ${places}`).join(" ")} WHEN count(*) = 0 THEN 0 ELSE 4 END)::INTEGER`;
  type Row = Totals & { exact: ExactSums } & Record<"returned_exact" | "average_exact", string> &
    Record<"quantity_decimals" | "revenue_decimals", number>;
  const { exact, returned_exact, average_exact, quantity_decimals, revenue_decimals, ...totals } = await one<Row>(
    database,
    `SELECT lines, orders, customers, units::DOUBLE AS units, revenue::DOUBLE AS revenue, profit::DOUBLE AS profit, returned_lines,
            returned_revenue::DOUBLE AS returned_revenue, average_order::DOUBLE AS average_order, returning_customers,
            ${EXACT}, returned_revenue::VARCHAR AS returned_exact, average_order::VARCHAR AS average_exact, quantity_decimals, revenue_decimals
     FROM (SELECT count(*)::DOUBLE AS lines, (SELECT count(*) FROM orders)::DOUBLE AS orders, count(DISTINCT customer_key)::DOUBLE AS customers, ${SUMS},
                  count(*) FILTER (quantity < 0)::DOUBLE AS returned_lines, coalesce(sum(revenue) FILTER (quantity < 0), 0) AS returned_revenue,
                  coalesce((SELECT sum(revenue) / count(*) FROM orders), 0) AS average_order,
                  (SELECT count(*) FROM came_back)::DOUBLE AS returning_customers,
                  ${decimalsOf("quantity")} AS quantity_decimals, ${decimalsOf("revenue")} AS revenue_decimals
           FROM lines)`,
  );
  return {
    totals,
    exact: { ...exact, returned_revenue: returned_exact, average_order: average_exact },
    decimals: { quantity: quantity_decimals, revenue: revenue_decimals },
  };
}

interface Compared {
  readonly unit: PeriodUnit;
  readonly comparisons: readonly Comparison[];
}

/** Every period; compared with the one before it in the table, and with the same days a year before. */
async function periodRows(
  database: Database,
  { input, labels, calendar }: Asked,
  { unit, comparisons }: Compared,
): Promise<readonly Period[]> {
  const spans = periodsIn(unit, { start: input.start_date, end: input.end_date }, calendar);
  const begins = beginSql(unit, "order_date", calendar);
  const rows = await database.rows<Figures & WithExact & { begins: string }>(
    `SELECT begins::VARCHAR AS begins, lines, orders, customers, units::DOUBLE AS units, revenue::DOUBLE AS revenue, profit::DOUBLE AS profit, ${EXACT} FROM (
       SELECT ${begins} AS begins, count(*)::DOUBLE AS lines, count(DISTINCT order_id)::DOUBLE AS orders,
              count(DISTINCT customer_key)::DOUBLE AS customers, ${SUMS} FROM lines GROUP BY ALL)`,
  );
  const figures = new Map(rows.map(({ begins: day, ...row }) => [day, withExact(row)]));
  const days = comparisons.some(({ name }) => name === "year_before") ? await daysEarlier(database) : undefined;
  const named = spans.map(({ begins: day, start, end, part }): Period => {
    const name = periodName(unit, day, labels, calendar);
    const yearBefore = days?.(yearEarlier(start, "first"), yearEarlier(end, "last"));
    return {
      ...(figures.get(day) ?? NOTHING),
      name: part === "partial" ? labels.partial(name) : name,
      role: "one",
      start,
      end,
      part,
      earlier: yearBefore ? { year_before: yearBefore } : {},
    };
  });
  return named.map((row, index) => {
    const before = named[index - 1];
    // A part of a period compares with nothing but the same part of another year.
    if (!before || before.part === "partial" || row.part === "partial") return row;
    return { ...row, earlier: { previous: { revenue: before.revenue, profit: before.profit }, ...row.earlier } };
  });
}

const NOTHING = {
  lines: 0,
  orders: 0,
  customers: 0,
  units: 0,
  revenue: 0,
  profit: 0,
  exact: { units: "0", revenue: "0", profit: "0" },
};

/** Sums of the compared lines between two days. */
async function daysEarlier(database: Database): Promise<(start: string, end: string) => Pick<Figures, "revenue" | "profit">> {
  const days = await database.rows<{ day: string; revenue: number; profit: number }>(
    `SELECT order_date::VARCHAR AS day, sum(revenue)::DOUBLE AS revenue, coalesce(sum(profit), 0)::DOUBLE AS profit
     FROM earlier GROUP BY order_date ORDER BY order_date`,
  );
  return (start, end) => {
    const inside = days.filter(({ day }) => day >= start && day <= end);
    // Four decimals each: added as whole numbers of them, so that no sum ends in ...0001.
    const sum = (field: "revenue" | "profit"): number => inside.reduce((total, row) => total + Math.round(row[field] * 1e4), 0) / 1e4;
    return { revenue: sum("revenue"), profit: sum("profit") };
  };
}
