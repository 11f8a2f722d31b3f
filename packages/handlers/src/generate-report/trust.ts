/** What to know before trusting a report: what is missing or met nothing, amounts that were rounded, texts that were cut. */
import { basename } from "node:path";
import type { Database } from "../duckdb/database.ts";
import type { Warning } from "../warnings.ts";
import { AMOUNTS, MAX_TEXT, UNKNOWN } from "./lines-sql.ts";
import { count } from "./progress.ts";

/** Rows that are in no table. */
export interface LeftOut {
  /** Order lines, of any time. */
  readonly undated: number;
  /** Rows of the lists. */
  readonly customers: number;
  readonly products: number;
}

export async function warningsOf(database: Database, leftOut: LeftOut): Promise<readonly Warning[]> {
  return [
    ...(await unreadLines(database)),
    ...undated(leftOut),
    ...(await withoutAmounts(database)),
    ...(await withoutKeys(database)),
    ...keylessRows(leftOut),
    ...(await unnamed(database)),
    ...(await unlisted(database, "customers", "customer_key", "without a name")),
    ...(await unlisted(database, "products", "product_key", 'under "Unknown"')),
    ...(await rounded(database)),
    ...(await cut(database)),
  ];
}

const lines = (number: number): string => `${count(number)} order ${number === 1 ? "line" : "lines"}`;

/** Lines that a mapping's `ignore_errors` has DuckDB leave out: each read of a file lists them anew. */
async function unreadLines(database: Database): Promise<readonly Warning[]> {
  const [listed] = await database.rows("SELECT 1 FROM duckdb_tables() WHERE table_name = 'reject_errors'");
  if (!listed) return [];
  const files = await database.rows<{ path: string; lines: number; first: number }>(
    `SELECT file_path AS path, count(DISTINCT line)::INTEGER AS lines, min(line)::DOUBLE AS first
     FROM reject_errors JOIN reject_scans USING (scan_id, file_id) GROUP BY path ORDER BY path`,
  );
  return files.map(({ path, lines: number, first }) => ({
    kind: "bad_rows",
    message: `${count(number)} ${number === 1 ? "line" : "lines"} of "${basename(path)}" that could not be read, left out by the mapping's ignore_errors, such as line ${count(first)}.`,
    count: number,
  }));
}

function undated({ undated: number }: LeftOut): readonly Warning[] {
  if (number === 0) return [];
  const message = `${lines(number)} without an order_date, of any time: in no report. Give them a day in the mapping's SELECT.`;
  return [{ kind: "undated_lines", message, column: "order_date", count: number }];
}

async function withoutAmounts(database: Database): Promise<readonly Warning[]> {
  const [row] = await database.rows<Record<string, number>>(
    `SELECT ${AMOUNTS.map((name) => `count(*) FILTER (no_${name})::INTEGER AS ${name}`).join(", ")} FROM lines`,
  );
  return AMOUNTS.flatMap((column): Warning[] => {
    const number = row?.[column] ?? 0;
    if (number === 0) return [];
    const message = `${lines(number)} without a ${column}, counted as zero. Say in the mapping's SELECT what it is, or leave such lines out there.`;
    return [{ kind: "missing_amounts", message, column, count: number }];
  });
}

const KEYS = { order_id: "no order", product_key: 'the product "Unknown"', customer_key: "no customer" } as const;

async function withoutKeys(database: Database): Promise<readonly Warning[]> {
  const counts = Object.keys(KEYS).map((key) => `count(*) FILTER (${key} IS NULL)::INTEGER AS ${key}`);
  const [row] = await database.rows<Record<string, number>>(`SELECT ${counts.join(", ")} FROM lines`);
  return Object.entries(KEYS).flatMap(([column, counted]): Warning[] => {
    const number = row?.[column] ?? 0;
    if (number === 0) return [];
    return [
      { kind: "missing_keys", message: `${lines(number)} without a ${column}: in the totals, and of ${counted}.`, column, count: number },
    ];
  });
}

function keylessRows({ customers, products }: LeftOut): readonly Warning[] {
  const lists = [
    ["customers", "customer_key", customers],
    ["products", "product_key", products],
  ] as const;
  return lists.flatMap(([list, column, number]): Warning[] => {
    if (number === 0) return [];
    const message = `${count(number)} ${number === 1 ? "row" : "rows"} of "${list}" without a ${column}, left out.`;
    return [{ kind: "missing_keys", message, column, count: number }];
  });
}

/** Of the products that were sold. */
async function unnamed(database: Database): Promise<readonly Warning[]> {
  const found = await database.rows<{ name: string; products: number; sample: string }>(
    `SELECT name, count(*)::INTEGER AS products, min(product_key::VARCHAR) AS sample
     FROM (SELECT product_key, unnest([CASE WHEN no_product THEN 'product' END, CASE WHEN no_category THEN 'category' END]) AS name
           FROM products SEMI JOIN lines USING (product_key)) WHERE name IS NOT NULL GROUP BY name ORDER BY name DESC`,
  );
  return found.map(({ name, products, sample }) => ({
    kind: "unnamed_products",
    message: `${count(products)} sold ${products === 1 ? "product" : "products"} without a ${name} in "products", such as "${sample}", under "${UNKNOWN}".`,
    column: name,
    count: products,
  }));
}

/** A key as people take it for the same: without decimals that are zero, zeros in front, blanks, capitals. */
const alike = (column: string): string => `regexp_replace(ltrim(lower(replace(${column}::VARCHAR, ' ', '')), '0'), '[.,]0+$', '')`;

/** Keys are joined as they are written; what meets nothing is counted, and so is what differs in its writing alone. */
async function unlisted(
  database: Database,
  list: "customers" | "products",
  key: "customer_key" | "product_key",
  effect: string,
): Promise<readonly Warning[]> {
  const [lost] = await database.rows<{ lines: number; sample: string | null }>(
    `SELECT count(*)::INTEGER AS lines, min(${key}::VARCHAR) AS sample FROM lines ANTI JOIN ${list} USING (${key}) WHERE ${key} IS NOT NULL`,
  );
  if (!lost || lost.lines === 0) return [];
  const [near] = await database.rows<{ lines: number; written: string | null; listed: string | null }>(
    `WITH lost AS (SELECT ${key}, count(*) AS lines FROM lines ANTI JOIN ${list} USING (${key}) WHERE ${key} IS NOT NULL GROUP BY ${key}),
          listed AS (SELECT ${alike(key)} AS alike, min(${key}::VARCHAR) AS listed FROM ${list} GROUP BY 1)
     SELECT coalesce(sum(lines), 0)::INTEGER AS lines, min(lost.${key}::VARCHAR) AS written, arg_min(listed, lost.${key}::VARCHAR) AS listed
     FROM lost JOIN listed ON ${alike(`lost.${key}`)} = listed.alike`,
  );
  const hint =
    near && near.lines > 0
      ? ` For ${count(near.lines)} the list has it written otherwise, "${near.listed}" for "${near.written}": write both alike in the mapping's SELECT.`
      : "";
  const message = `${lines(lost.lines)} with a ${key} that "${list}" does not list, such as "${lost.sample}", ${effect}.${hint}`;
  return [{ kind: "unlisted_keys", message, column: key, count: lost.lines }];
}

async function rounded(database: Database): Promise<readonly Warning[]> {
  const [row] = await database.rows<{ lines: number }>("SELECT count(*)::INTEGER AS lines FROM lines WHERE rounded");
  if (!row || row.lines === 0) return [];
  const message = `${lines(row.lines)} with a quantity or an amount of more than four decimals, rounded to four. Round them in the mapping's SELECT as your books do.`;
  return [{ kind: "rounded_amounts", message, count: row.lines }];
}

async function cut(database: Database): Promise<readonly Warning[]> {
  const texts = ["order_id", "customer", "product", "category", "region", "country"];
  const [row] = await database.rows<{ lines: number }>(
    `SELECT count(*)::INTEGER AS lines FROM lines WHERE ${texts.map((column) => `length(${column}::VARCHAR) >= ${MAX_TEXT}`).join(" OR ")}`,
  );
  if (!row || row.lines === 0) return [];
  const message = `${lines(row.lines)} with a text of ${count(MAX_TEXT)} characters or more, cut there.`;
  return [{ kind: "cut_texts", message, count: row.lines }];
}
