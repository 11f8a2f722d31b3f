/**
 * Stage 1, query: the four sources. Transactions of the period, customers and products are read from the data folder
 * into the scratch database; analytics, one row per order, is computed from them.
 *
 * Keeps: every line of the period that passes the filters is read once and counted once. Lines whose product or
 * customer is in no list stay in, under "Unknown" or without a name; keys listed twice are refused, since they would
 * count lines twice. A missing quantity, revenue or profit counts as zero, and a line without a date is in no period:
 * both are counted in the warnings (trust.ts).
 */
import { Fatal } from "@streamer/core";
import { comparedSpans, isCovered } from "./comparisons.ts";
import { describeSources, explained, type SourceColumns } from "./columns.ts";
import type { Database } from "../duckdb/database.ts";
import { checkFilters } from "./filters.ts";
import { FILTER_FIELDS, type FilterField, type ReportInput } from "./input.ts";
import { UNKNOWN, customersSql, keyOf, keyType, linesSql, productsSql, textOf, type LinesSql } from "./lines-sql.ts";
import type { ReportMapping, SourceName } from "./mapping.ts";
import { count, megabytes, whileWritten, type StageProgress } from "./progress.ts";
import { readAsWritten } from "./sources/as-written.ts";
import { warningsOf } from "./trust.ts";
import type { Warning } from "../warnings.ts";

/** Which optional columns this shop's data has. */
export interface Shape {
  readonly profit: boolean;
  readonly region: boolean;
  readonly country: boolean;
}

export interface SourceRows {
  readonly transactions: number;
  readonly customers: number;
  readonly products: number;
  readonly analytics: number;
}

export interface Queried {
  readonly shape: Shape;
  readonly rows: SourceRows;
  /** First and last day of all orders; null without one. */
  readonly data: { readonly first: string; readonly last: string } | null;
  readonly warnings: readonly Warning[];
}

export async function queryData(database: Database, given: ReportMapping, input: ReportInput, tell: StageProgress): Promise<Queried> {
  tell(0, "Reading the sources");
  const mapping = await asWritten(database, given);
  const columns = await describeSources(database, mapping);
  const keys = { customer: keyType(columns, "customers", "customer_key"), product: keyType(columns, "products", "product_key") };

  await explained("customers", () => database.write(customersSql(mapping, columns, keys.customer)));
  const { kept: customers, ...noCustomers } = await withKeys(database, "customers", "customer_key");
  await refuseDuplicates(database, "customers", "customer_key");
  tell(0.15, `${count(customers)} customers`, { source: "customers", rows: customers });

  await explained("products", () => database.write(productsSql(mapping, columns, keys.product)));
  const { kept: products, ...noProducts } = await withKeys(database, "products", "product_key");
  await refuseDuplicates(database, "products", "product_key");
  tell(0.25, `${count(products)} products`, { source: "products", rows: products });

  await storeAsEnum(database, "products", "product");
  await storeAsEnum(database, "products", "category");
  for (const column of ["region", "country"] as const) await storeAsEnum(database, "customers", column);
  await checkFilters(database, input.filters, knownValues(mapping, columns));
  const { data, undated } = await explained("transactions", () => daysOf(database, mapping));
  const values = [input.start_date, input.end_date];
  const select = (bound: string[]): string => linesSql({ mapping, columns, keys, condition: where(input, bound) });
  const sql = `CREATE TABLE lines AS ${select(values)} ORDER BY order_date, order_id, product_key`;
  const transactions = await explained("transactions", () =>
    whileWritten(database.write(sql, values), database.path, (bytes) =>
      tell(0.3, `Reading transactions: ${megabytes(bytes)} so far`, { source: "transactions", bytes_read: bytes }),
    ),
  );
  await explained("transactions", () => readEarlier(database, input, data?.first ?? null, select));
  tell(0.8, `${count(transactions)} order lines in the period`, { source: "transactions", rows: transactions });

  const analytics = await database.write(ORDERS_SQL);
  await explained("transactions", () => findReturning(database, input, { mapping, columns, keys }));
  tell(1, `${count(analytics)} orders analysed`, { source: "analytics", rows: analytics });
  const leftOut = { undated, customers: noCustomers.without, products: noProducts.without };
  const warnings = await warningsOf(database, leftOut);
  return { shape: shapeOf(columns), rows: { transactions, customers, products, analytics }, data, warnings };
}

function shapeOf({ transactions, customers }: SourceColumns): Shape {
  const has = (column: string): boolean => transactions.has(column) || customers.has(column);
  return { profit: transactions.has("profit"), region: has("region"), country: has("country") };
}

/** A row of a list that has no key is nobody's: it is left out, and counted. */
async function withKeys(
  database: Database,
  source: "customers" | "products",
  column: string,
): Promise<{ readonly kept: number; readonly without: number }> {
  const [row] = await database.rows<{ kept: number; without: number }>(
    `SELECT count(${column})::INTEGER AS kept, count(*) FILTER (${column} IS NULL)::INTEGER AS without FROM ${source}`,
  );
  const { kept = 0, without = 0 } = row ?? {};
  // Made anew: of rows that are deleted a table still has the values.
  if (without > 0) await database.execute(`CREATE OR REPLACE TABLE ${source} AS SELECT * FROM ${source} WHERE ${column} IS NOT NULL`);
  return { kept, without };
}

async function refuseDuplicates(database: Database, source: "customers" | "products", column: string): Promise<void> {
  const [twice] = await database.rows<{ key: string; keys: number }>(
    `SELECT ${column}::VARCHAR AS key, count(*) OVER ()::INTEGER AS keys FROM ${source} GROUP BY ${column} HAVING count(*) > 1 LIMIT 1`,
  );
  if (!twice) return;
  throw new Fatal(
    `The mapping's "${source}" gives ${count(twice.keys)} ${column} more than once, such as "${twice.key}": ` +
      `their lines would count twice. Make its SELECT give one row per ${column}.`,
  );
}

/** A name of few values as a number with a dictionary: the sort of the lines then moves a third of the bytes. */
async function storeAsEnum(database: Database, table: "customers" | "products", column: string): Promise<void> {
  const values = `SELECT DISTINCT ${column} FROM ${table} WHERE ${column} IS NOT NULL UNION SELECT '${UNKNOWN}' ORDER BY 1`;
  await database.execute(`CREATE TYPE ${column}_name AS ENUM (${values})`);
  await database.execute(`ALTER TABLE ${table} ALTER ${column} TYPE ${column}_name`);
}

const FILTERED_COLUMN: Readonly<Record<FilterField, string>> = {
  category: "category",
  region: "region",
  country: "country",
  product: "product",
  customer: "customer_key::VARCHAR",
};

/** The filters as SQL; their values are appended to `values` and bound. */
function where({ filters }: ReportInput, values: string[]): string {
  const conditions = FILTER_FIELDS.flatMap((field) => {
    const wanted = filters[field];
    return wanted ? [`${FILTERED_COLUMN[field]} IN (${wanted.map((value) => `$${values.push(value)}`).join(", ")})`] : [];
  });
  return conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : "";
}

/** Regions and countries are known from the whole history, not the period: a quiet region is not an unknown one. */
function knownValues(mapping: ReportMapping, { transactions, customers }: SourceColumns): Record<FilterField, string | undefined> {
  const known = (column: "region" | "country"): string | undefined => {
    const lists = [
      ...(transactions.has(column)
        ? [`SELECT ${textOf(column, transactions.get(column))} AS value FROM (${mapping.sources.transactions}\n)`]
        : []),
      ...(customers.has(column) ? [`SELECT ${column} AS value FROM customers`] : []),
    ];
    return lists.length > 0 ? lists.join(" UNION ") : undefined;
  };
  return {
    category: "SELECT category AS value FROM products",
    product: "SELECT product AS value FROM products",
    customer: "SELECT customer_key::VARCHAR AS value FROM customers",
    region: known("region"),
    country: known("country"),
  };
}

/**
 * The first and the last day of all there is: what says whether an earlier period can be compared with. Lines without a
 * day are in no report: how many there are.
 */
async function daysOf(database: Database, mapping: ReportMapping): Promise<Pick<Queried, "data"> & { readonly undated: number }> {
  const [row] = await database.rows<{ first: string | null; last: string | null; undated: number }>(
    `SELECT min(order_date::DATE)::VARCHAR AS first, max(order_date::DATE)::VARCHAR AS last,
            count(*) FILTER (order_date IS NULL)::INTEGER AS undated FROM (${mapping.sources.transactions}\n)`,
  );
  const { first = null, last = null, undated = 0 } = row ?? {};
  return { data: first === null || last === null ? null : { first, last }, undated };
}

/** The lines of the periods a report compares with, as far as the data covers them: the table `earlier`, like `lines`. */
async function readEarlier(
  database: Database,
  input: ReportInput,
  first: string | null,
  linesOf: (values: string[]) => string,
): Promise<void> {
  const spans = comparedSpans(input).filter((span) => isCovered(span, first));
  const [start = "", end = ""] = [
    spans.map((span) => span.start).sort()[0],
    spans
      .map((span) => span.end)
      .sort()
      .at(-1),
  ];
  if (spans.length === 0) return database.execute("CREATE TABLE earlier AS SELECT * FROM lines LIMIT 0");
  const values = [start, end];
  const select = linesOf(values);
  const inside = spans.map((span) => `order_date BETWEEN '${span.start}' AND '${span.end}'`).join(" OR ");
  await database.write(`CREATE TABLE earlier AS SELECT * FROM (${select}) WHERE ${inside}`, values);
}

/** One row per order: what totals of orders, their average and the returning customers are computed from. */
const ORDERS_SQL = `CREATE TABLE orders AS
  SELECT order_id, any_value(customer_key) AS customer_key, sum(revenue) AS revenue, bool_or(quantity >= 0) AS sold
  FROM lines WHERE order_id IS NOT NULL GROUP BY order_id`;

/**
 * Customers of the report with two orders or more in its period that are not all returns. A filter says whose customers
 * are looked at; their orders count whatever they hold.
 */
async function findReturning(
  database: Database,
  { start_date, end_date, filters }: ReportInput,
  { mapping, columns, keys }: Omit<LinesSql, "condition">,
): Promise<void> {
  const several = "GROUP BY customer_key HAVING count(DISTINCT order_id) > 1";
  if (Object.keys(filters).length === 0)
    return database.execute(`CREATE TABLE came_back AS SELECT customer_key FROM orders WHERE sold AND customer_key IS NOT NULL ${several}`);
  const type = (name: string): string | undefined => columns.transactions.get(name);
  await database.write(
    `CREATE TABLE came_back AS SELECT customer_key FROM (
       SELECT ${keyOf("customer_key", type("customer_key"), keys.customer)} AS customer_key, ${textOf("order_id", type("order_id"))} AS order_id
       FROM (${mapping.sources.transactions}\n) WHERE order_date::DATE BETWEEN $1::DATE AND $2::DATE AND coalesce(quantity, 0) >= 0
     ) SEMI JOIN lines USING (customer_key) WHERE customer_key IS NOT NULL ${several}`,
    [start_date, end_date],
  );
}

/** The mapping with its SELECTs reading their files as they are written. */
async function asWritten(database: Database, mapping: ReportMapping): Promise<ReportMapping> {
  const read = (source: SourceName): Promise<string> => explained(source, () => readAsWritten(database, mapping.sources[source]));
  const sources = { transactions: await read("transactions"), customers: await read("customers"), products: await read("products") };
  return { ...mapping, sources };
}
