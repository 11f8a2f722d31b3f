/** The SQL that turns what a mapping's SELECTs give into the tables of a report: clean texts, exact amounts, joined keys. */
import type { SourceColumns } from "./columns.ts";
import type { ReportMapping } from "./mapping.ts";

/** What lines are filed under whose product or category is in no list. */
export const UNKNOWN = "Unknown";
/** Longest text of a cell, in characters: anything longer is not a name. */
export const MAX_TEXT = 1_000;
/** What is summed. Where a line has none it counts as zero, and the column no_quantity, … of the table says so. */
export const AMOUNTS = ["quantity", "revenue", "profit"] as const;
/** Decimals of an amount and of a quantity. */
const SCALE = 4;
/** No amount reaches it: fourteen digits before the point and four behind are what eighteen hold. */
const LIMIT = 1e14;

const isWhole = (type: string | undefined): boolean => /^(?:U?(?:TINY|SMALL)INT|U?INTEGER|BIGINT)$/.test(type ?? "");
const isFloat = (type: string | undefined): boolean => type === "DOUBLE" || type === "FLOAT";
const scaleOf = (type: string | undefined): number => Number(/^DECIMAL\(\d+,(\d+)\)$/.exec(type ?? "")?.[1] ?? 0);

/**
 * A column as clean text: trimmed, empty as NULL, no control characters, which no spreadsheet takes. Nearly every text
 * is plain already, and testing that costs a quarter of cleaning it.
 */
const cleanText = (text: string): string =>
  `CASE WHEN regexp_full_match(${text}, '[!-~]([ -~]{0,100}[!-~])?') THEN ${text}
        ELSE nullif(left(trim(regexp_replace(${text}, '[\\x00-\\x1F\\x7F]+', ' ', 'g')), ${MAX_TEXT}), '') END`;

/**
 * A column as text. A number of a typed source (Parquet, JSON, arithmetic) has no writing of its own: a whole one is
 * written without decimals, 20.0 as 20; one of more digits than a floating-point number keeps is refused, for two
 * of them may be one.
 */
export function textOf(column: string, type: string | undefined): string {
  const name = column.replace(/^t\./, "");
  if (isFloat(type)) {
    const refusal = `error(concat('"${name}" holds ', ${column}::VARCHAR, ': a floating-point column cannot tell numbers of so many digits apart. Write it as text in the file, or as a whole number'))`;
    return `CASE WHEN abs(${column}) >= 9007199254740992 THEN ${refusal} WHEN ${column} = trunc(${column}) THEN ${column}::BIGINT::VARCHAR ELSE ${column}::VARCHAR END`;
  }
  if (scaleOf(type) > 0) return `CASE WHEN ${column} = trunc(${column}) THEN ${column}::HUGEINT::VARCHAR ELSE ${column}::VARCHAR END`;
  return cleanText(`${column}::VARCHAR`);
}

/** Keys join as whole numbers when both sides are, and as text when not: what is written is what is compared. */
export function keyType(columns: SourceColumns, list: "customers" | "products", name: string): "BIGINT" | "VARCHAR" {
  return isWhole(columns[list].get(name)) && isWhole(columns.transactions.get(name)) ? "BIGINT" : "VARCHAR";
}

export interface KeyTypes {
  readonly customer: "BIGINT" | "VARCHAR";
  readonly product: "BIGINT" | "VARCHAR";
}

export const keyOf = (column: string, type: string | undefined, joined: "BIGINT" | "VARCHAR"): string =>
  joined === "BIGINT" ? `${column}::BIGINT` : textOf(column, type);

export function customersSql(mapping: ReportMapping, { customers }: SourceColumns, key: KeyTypes["customer"]): string {
  const text = (column: string): string => textOf(column, customers.get(column));
  const optional = (column: string): string => (customers.has(column) ? text(column) : "NULL::VARCHAR");
  return `CREATE TABLE customers AS
    SELECT ${keyOf("customer_key", customers.get("customer_key"), key)} AS customer_key, ${text("customer")} AS customer, ${optional("region")} AS region, ${optional("country")} AS country
    FROM (${mapping.sources.customers}\n)`;
}

export function productsSql(mapping: ReportMapping, { products }: SourceColumns, key: KeyTypes["product"]): string {
  const text = (column: string): string => textOf(column, products.get(column));
  return `CREATE TABLE products AS
    SELECT ${keyOf("product_key", products.get("product_key"), key)} AS product_key, coalesce(${text("product")}, '${UNKNOWN}') AS product,
           coalesce(${text("category")}, '${UNKNOWN}') AS category, ${text("product")} IS NULL AS no_product, ${text("category")} IS NULL AS no_category
    FROM (${mapping.sources.products}\n)`;
}

/** A dimension of a line: the transaction's own column where it has one, the customer's otherwise. */
function dimension({ transactions, customers }: SourceColumns, column: "region" | "country"): string {
  if (!transactions.has(column)) return `c.${column}`;
  const own = textOf(`t.${column}`, transactions.get(column));
  return customers.has(column) ? `coalesce(${own}, c.${column}::VARCHAR)` : own;
}

/** A quantity or an amount, exact to four decimals; over the limit it is refused with words. */
function exact(name: string): string {
  const column = `t.${name}`;
  const advice = `more than a report holds, whose limit is 99,999,999,999,999.9999. Give it in thousands or millions, in the mapping''s SELECT`;
  const refused = `WHEN abs(${column}::DOUBLE) >= ${LIMIT} THEN error(concat('"${name}" is ', ${column}::VARCHAR, ', ${advice}'))`;
  return `CASE WHEN ${column} IS NULL THEN 0 ${refused} ELSE ${column}::DECIMAL(18, ${SCALE}) END::DECIMAL(18, ${SCALE})`;
}

/** Whether an amount had more decimals than are kept. The last bit of a floating-point number is none. */
function isRounded(name: string, type: string | undefined): string {
  if (!isFloat(type) && scaleOf(type) <= SCALE) return "false";
  const tolerance = isFloat(type) ? `5e-7 + abs(t.${name}) * 1e-15` : "0";
  return `coalesce(abs(t.${name} - round(t.${name}, ${SCALE})) > ${tolerance}, false)`;
}

export interface LinesSql {
  readonly mapping: ReportMapping;
  readonly columns: SourceColumns;
  readonly keys: KeyTypes;
  /** The filters, or nothing. */
  readonly condition: string;
}

/** The lines between two days, $1 and $2. Their table is sorted once: joins lose the order of the files. */
export function linesSql({ mapping, columns, keys, condition }: LinesSql): string {
  const { transactions } = columns;
  const type = (name: string): string | undefined => transactions.get(name);
  // Whole numbers stay whole; a shop that sells by weight keeps its decimals.
  const quantity = isWhole(type("quantity")) ? "coalesce(t.quantity, 0)::BIGINT" : exact("quantity");
  const amounts = AMOUNTS.filter((name) => transactions.has(name));
  const key = (name: "customer_key" | "product_key", joined: "BIGINT" | "VARCHAR"): string =>
    `${keyOf(name, type(name), joined)} AS ${name}`;
  return `SELECT * FROM (
    SELECT t.order_date::DATE AS order_date, ${textOf("t.order_id", type("order_id"))} AS order_id, customer_key, c.customer, product_key,
           coalesce(p.product, '${UNKNOWN}') AS product, coalesce(p.category, '${UNKNOWN}') AS category,
           ${dimension(columns, "region")} AS region, ${dimension(columns, "country")} AS country,
           ${quantity} AS quantity, ${exact("revenue")} AS revenue,
           ${transactions.has("profit") ? exact("profit") : `NULL::DECIMAL(18, ${SCALE})`} AS profit,
           ${amounts.map((name) => isRounded(name, type(name))).join(" OR ")} AS rounded,
           ${AMOUNTS.map((name) => `${amounts.includes(name) ? `t.${name} IS NULL` : "false"} AS no_${name}`).join(", ")}
    FROM (SELECT * REPLACE (${key("customer_key", keys.customer)}, ${key("product_key", keys.product)})
          FROM (${mapping.sources.transactions}\n) WHERE order_date::DATE BETWEEN $1::DATE AND $2::DATE) t
    LEFT JOIN customers c USING (customer_key) LEFT JOIN products p USING (product_key)
  ) ${condition}`;
}
