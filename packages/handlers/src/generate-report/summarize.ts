/**
 * Stage 2, process: everything a report says above its detail. All figures are computed from the lines of stage 1 in
 * exact decimals and become numbers only here, at the end.
 */
import type { Database } from "../duckdb/database.ts";
import type { ReportInput } from "./input.ts";
import { periodName, periodUnit, type PeriodUnit } from "./periods.ts";
import { count, type StageProgress } from "./progress.ts";
import type { Shape } from "./query.ts";

/** Rows of each "top" table: what a reader takes in at a glance. */
const TOP = 10;

export interface Figures {
  readonly lines: number;
  readonly orders: number;
  readonly customers: number;
  readonly units: number;
  readonly revenue: number;
  /** 0 where the data has no profit. */
  readonly profit: number;
}

interface Totals extends Figures {
  /** Lines with a negative quantity, and what they took back (zero or negative). */
  readonly returned_lines: number;
  readonly returned_revenue: number;
  readonly average_order: number;
  /** Customers with two orders or more in the period. */
  readonly returning_customers: number;
}

export interface Named extends Figures {
  readonly name: string;
}

export interface Summary {
  readonly unit: PeriodUnit;
  readonly totals: Totals;
  /** Every period from start to end; without sales its figures are zero. */
  readonly periods: readonly Named[];
  /** All of them, most revenue first. */
  readonly categories: readonly Named[];
  /** The first TOP by revenue; regions and countries are empty where the data has none. */
  readonly regions: readonly Named[];
  readonly countries: readonly Named[];
  readonly products: readonly Named[];
  readonly customers: readonly Named[];
}

const FIGURES = `count(*)::DOUBLE AS lines, count(DISTINCT order_id)::DOUBLE AS orders, count(DISTINCT customer_key)::DOUBLE AS customers,
  coalesce(sum(quantity), 0)::DOUBLE AS units, coalesce(sum(revenue), 0)::DOUBLE AS revenue, coalesce(sum(profit), 0)::DOUBLE AS profit`;

/** Categories in one report; a shop that files each product under its own gets the first of them. */
const MAX_CATEGORIES = 100;

export async function summarize(database: Database, input: ReportInput, shape: Shape, tell: StageProgress): Promise<Summary> {
  const unit = periodUnit(input);
  // Ranked first, counted after: counting distinct orders of every product costs four times as much as of the best.
  const top = (column: string, limit = TOP): Promise<readonly Named[]> =>
    database.rows<Named>(
      `WITH best AS (SELECT ${column} FROM lines WHERE ${column} IS NOT NULL GROUP BY ${column} ORDER BY sum(revenue) DESC, ${column} LIMIT ${limit})
       SELECT ${column} AS name, ${FIGURES} FROM lines SEMI JOIN best USING (${column}) GROUP BY ${column} ORDER BY revenue DESC, name`,
    );
  const totals = await totalsOf(database);
  tell(1 / 7, `Totals of ${count(totals.lines)} order lines`, { lines: totals.lines });
  const periods = await periodsOf(database, input, unit);
  tell(2 / 7, `${count(periods.length)} periods`, { periods: periods.length });
  const categories = await top("category", MAX_CATEGORIES);
  tell(3 / 7, `${count(categories.length)} categories`, { categories: categories.length });
  const regions = shape.region ? await top("region") : [];
  tell(4 / 7, shape.region ? "Regions compared" : "No regions in this data", { regions: regions.length });
  const countries = shape.country ? await top("country") : [];
  tell(5 / 7, shape.country ? "Countries compared" : "No countries in this data", { countries: countries.length });
  const products = await top("product");
  tell(6 / 7, "Products ranked", { products: products.length });
  const customers = await topCustomers(database);
  tell(1, "Customers ranked", { customers: customers.length });
  return { unit, totals, periods, categories, regions, countries, products, customers };
}

async function totalsOf(database: Database): Promise<Totals> {
  const [totals] = await database.rows<Totals>(`
    SELECT count(*)::DOUBLE AS lines, (SELECT count(*) FROM orders)::DOUBLE AS orders, count(DISTINCT customer_key)::DOUBLE AS customers,
           coalesce(sum(quantity), 0)::DOUBLE AS units, coalesce(sum(revenue), 0)::DOUBLE AS revenue, coalesce(sum(profit), 0)::DOUBLE AS profit,
           count(*) FILTER (quantity < 0)::DOUBLE AS returned_lines, coalesce(sum(revenue) FILTER (quantity < 0), 0)::DOUBLE AS returned_revenue,
           coalesce((SELECT sum(revenue) / count(*) FROM orders), 0)::DOUBLE AS average_order,
           (SELECT count(*) FROM (SELECT customer_key FROM orders WHERE customer_key IS NOT NULL GROUP BY customer_key HAVING count(*) > 1))::DOUBLE AS returning_customers
    FROM lines`);
  if (!totals) throw new Error("DuckDB answered an aggregate without a row");
  return totals;
}

async function periodsOf(database: Database, { start_date, end_date }: ReportInput, unit: PeriodUnit): Promise<readonly Named[]> {
  const rows = await database.rows<Named>(
    `WITH periods AS (SELECT unnest(generate_series(date_trunc('${unit}', $1::DATE), $2::DATE::TIMESTAMP, INTERVAL 1 ${unit}))::DATE AS period),
          figures AS (SELECT date_trunc('${unit}', order_date)::DATE AS period, ${FIGURES} FROM lines GROUP BY ALL)
     SELECT period::VARCHAR AS name, coalesce(lines, 0) AS lines, coalesce(orders, 0) AS orders, coalesce(customers, 0) AS customers,
            coalesce(units, 0) AS units, coalesce(revenue, 0) AS revenue, coalesce(profit, 0) AS profit
     FROM periods LEFT JOIN figures USING (period) ORDER BY period`,
    [start_date, end_date],
  );
  return rows.map((row) => ({ ...row, name: periodName(unit, row.name) }));
}

/** Customers are told apart by key, since two may share a name; lines without a customer are nobody's. */
async function topCustomers(database: Database): Promise<readonly Named[]> {
  return database.rows<Named>(`
    SELECT coalesce(any_value(customer), 'Customer ' || customer_key::VARCHAR) AS name, ${FIGURES}
    FROM lines SEMI JOIN (SELECT customer_key FROM lines WHERE customer_key IS NOT NULL
                          GROUP BY customer_key ORDER BY sum(revenue) DESC, customer_key LIMIT ${TOP}) USING (customer_key)
    GROUP BY customer_key ORDER BY revenue DESC, name`);
}
