/**
 * The mapping: a small JSON file that says how a shop's own files become the three sources of a report, one SELECT
 * each. It is written by whoever runs the server, so its SQL is trusted to read the data folder, and nothing else: see
 * database.ts. docs/guides/reports.md explains it to its authors.
 */
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { Fatal } from "@streamer/core";
import * as z from "zod";
import { literal } from "../duckdb/sql.ts";
import { settingFields, type ReportSettings } from "./settings.ts";

export const MAPPING_FILE = "sources.json";

const EXAMPLE = `{
  "title": "My shop", "currency": "EUR",
  "sources": {
    "transactions": "SELECT order_date, order_id, product_key, customer_key, quantity, quantity * price AS revenue FROM 'orders.csv'",
    "customers": "SELECT customer_key, name AS customer, region, country FROM 'customers.csv'",
    "products": "SELECT product_key, name AS product, category FROM 'products.csv'"
  }
}`;

/** A list of lines reads better than one long string; SQL comments end at the end of a line. */
const selectText = z
  .union([z.string(), z.array(z.string())], "must be one SELECT, as a text or a list of lines")
  .transform((given) => (typeof given === "string" ? given : given.join("\n")).trim().replace(/;$/, ""))
  .refine((sql) => sql.length > 0, "must be one SELECT");

const Mapping = z.strictObject({
  title: z.string().min(1).max(120),
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be a currency code of three capitals, such as "EUR"'),
  sources: z.strictObject({ transactions: selectText, customers: selectText, products: selectText }),
  ...settingFields,
});

export type SourceName = "transactions" | "customers" | "products";

export interface ReportMapping extends ReportSettings {
  readonly title: string;
  readonly currency: string;
  readonly sources: Readonly<Record<SourceName, string>>;
  /** Most CSV and JSON files that one SELECT names: each is read through large buffers (see database.ts). */
  readonly textFiles: number;
}

/** Reads and checks the mapping of a data folder. Errors name the file and say what to write. */
export async function loadMapping(dataFolder: string, mappingFile: string = join(dataFolder, MAPPING_FILE)): Promise<ReportMapping> {
  const name = basename(mappingFile);
  const text = await readFile(mappingFile, "utf8").catch((cause: unknown) => {
    throw new Fatal(`No mapping: "${name}" is not in the data folder. Write one such as:\n${EXAMPLE}`, { cause });
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Fatal(`The mapping "${name}" is not JSON: ${(cause as Error).message}.`, { cause });
  }
  const parsed = Mapping.safeParse(json);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "(whole file)"}: ${message}`);
    throw new Fatal(`The mapping "${name}" is not valid: ${issues.join("; ")}. A small one that is:\n${EXAMPLE}`);
  }
  const { transactions, customers, products } = parsed.data.sources;
  const located = {
    transactions: locateFiles(transactions, dataFolder),
    customers: locateFiles(customers, dataFolder),
    products: locateFiles(products, dataFolder),
  };
  return {
    ...parsed.data,
    sources: { transactions: located.transactions.sql, customers: located.customers.sql, products: located.products.sql },
    textFiles: Math.max(...Object.values(located).map((source) => source.textFiles)),
  };
}

/**
 * Every text in the SQL that names files of the folder ('sales.csv.gz', 'orders-*.parquet') becomes their full path,
 * so that what is read depends on the data folder alone, and never on the folder the server was started in.
 */
export function locateFiles(select: string, dataFolder: string): { readonly sql: string; readonly textFiles: number } {
  let textFiles = 0;
  const sql = select.replaceAll(/--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|"(?:[^"]|"")*"|'((?:[^']|'')*)'/g, (whole, quoted: string | undefined) => {
    const text = quoted?.replaceAll("''", "'");
    if (text === undefined || !/[.*]/.test(text) || globSync(text, { cwd: dataFolder }).length === 0) return whole;
    if (!/\.parquet$/i.test(text)) textFiles += 1;
    return literal(resolve(dataFolder, text));
  });
  return { sql, textFiles };
}
