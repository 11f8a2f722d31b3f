/**
 * A table of the best: the first by revenue, then the lines that have none, then all others together, so that the rows
 * add up to the totals. Customers are told apart by key, since two may share a name.
 */
import type { Database } from "../duckdb/database.ts";
import { COMPARISONS } from "./comparisons.ts";
import { withExact, type Comparison, type Earlier, type Named, type WithExact } from "./figures.ts";
import type { FilterField } from "./input.ts";
import type { Labels } from "./locale/labels.ts";
import { UNKNOWN } from "./lines-sql.ts";

export type Dimension = FilterField;

export interface Ranking {
  readonly dimension: Dimension;
  readonly limit: number;
  readonly labels: Labels;
  /** Those the data covers. */
  readonly comparisons: readonly Comparison[];
}

interface Row extends Omit<Named, "exact" | "earlier" | "name"> {
  /** The value, or the key of a customer. */
  readonly value: string | null;
  readonly customer: string | null;
}

export async function rankedRows(database: Database, ranking: Ranking): Promise<readonly Named[]> {
  const { dimension, limit, labels } = ranking;
  const column = dimension === "customer" ? "customer_key" : dimension;
  // Ranked first, counted after: counting distinct orders of every product costs four times as much as of the best.
  await database.execute(
    `CREATE OR REPLACE TEMP TABLE best AS SELECT ${column} AS value FROM lines WHERE ${column} IS NOT NULL
     GROUP BY ${column} ORDER BY sum(revenue) DESC, ${column} LIMIT ${limit}`,
  );
  const grouped = groupedSql(column);
  const rows = await database.rows<Row & WithExact>(
    `SELECT role, value::VARCHAR AS value, customer, lines, orders, customers, units::DOUBLE AS units, revenue::DOUBLE AS revenue,
            profit::DOUBLE AS profit, units::VARCHAR AS units_exact, revenue::VARCHAR AS revenue_exact, profit::VARCHAR AS profit_exact
     FROM (SELECT role, value, ${dimension === "customer" ? "any_value(customer)" : "NULL"}::VARCHAR AS customer, count(*)::DOUBLE AS lines,
                  count(DISTINCT order_id)::DOUBLE AS orders, count(DISTINCT customer_key)::DOUBLE AS customers,
                  coalesce(sum(quantity), 0) AS units, sum(revenue) AS revenue, coalesce(sum(profit), 0) AS profit
           FROM (${grouped("lines")}) GROUP BY role, value)
     ORDER BY role = 'other', role = 'none', revenue DESC, value`,
  );
  const earlier = await earlierOf(database, ranking, grouped);
  return rows.map(({ value, customer, ...row }) => ({
    ...withExact(row),
    name: nameOf(dimension, { role: row.role, value, customer }, labels),
    earlier: earlier(row.role, value),
  }));
}

/** Lines with the row of the table they belong to. */
const groupedSql =
  (column: string) =>
  (table: "lines" | "earlier"): string =>
    `SELECT ${table}.*, best.value AS value,
            CASE WHEN best.value IS NOT NULL THEN 'one' WHEN ${column} IS NULL THEN 'none' ELSE 'other' END AS role
     FROM ${table} LEFT JOIN best ON ${table}.${column} = best.value`;

async function earlierOf(
  database: Database,
  { comparisons }: Ranking,
  grouped: (table: "earlier") => string,
): Promise<(role: string, value: string | null) => Earlier> {
  if (comparisons.length === 0) return () => ({});
  const during = (comparison: Comparison): string => `FILTER (order_date BETWEEN '${comparison.start}' AND '${comparison.end}')`;
  const sums = comparisons.flatMap((comparison) =>
    (["revenue", "profit"] as const).map(
      (figure) => `coalesce(sum(${figure}) ${during(comparison)}, 0)::DOUBLE AS ${comparison.name}_${figure}`,
    ),
  );
  const rows = await database.rows<Record<string, number> & { role: string; value: string | null }>(
    `SELECT role, value::VARCHAR AS value, ${sums.join(", ")} FROM (${grouped("earlier")}) GROUP BY role, value`,
  );
  const found = new Map(rows.map((row) => [`${row.role} ${row.value ?? ""}`, row]));
  return (role, value) => {
    const row = found.get(`${role} ${value ?? ""}`);
    const compared = COMPARISONS.filter((name) => comparisons.some((comparison) => comparison.name === name));
    return Object.fromEntries(
      compared.map((name) => [name, { revenue: row?.[`${name}_revenue`] ?? 0, profit: row?.[`${name}_profit`] ?? 0 }]),
    );
  };
}

function nameOf(dimension: Dimension, { role, value, customer }: Pick<Row, "role" | "value" | "customer">, labels: Labels): string {
  if (role !== "one") return role === "none" ? labels.none[dimension] : labels.other;
  if (dimension === "customer") return customer ?? labels.customerNumber(value ?? "");
  return value === UNKNOWN ? labels.unknown : (value ?? "");
}
