/** Files in any encoding, and workbooks, are sources of a report as CSV is. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { coveredDays } from "../../src/generate-report/index.ts";
import { writeWorkbook } from "../files/workbooks.ts";
import { report, totalsOf, writeShop } from "./shops.ts";

const LISTS = {
  customers: "SELECT number AS customer_key, name AS customer, town AS region FROM 'customers.csv'",
  products: "SELECT sku AS product_key, name AS product, 'all' AS category FROM 'products.csv'",
};
const mapping = (transactions: string, lists: Partial<typeof LISTS> = {}): unknown => ({
  title: "Laden",
  currency: "EUR",
  sources: { transactions, ...LISTS, ...lists },
});
const CUSTOMERS = "number,name,town\n1,Jürgen,Köln\n2,Zoë,Würzburg";
const PRODUCTS = "sku,name\n7,Häkelgarn";
const ORDERS = ["day;no;sku;customer;qty;price", "2024-01-05;A1;7;1;2;1.234,50", "2024-01-06;A2;7;2;1;0,75"].join("\n");
const EUROPEAN = `SELECT day AS order_date, no AS order_id, sku AS product_key, customer AS customer_key, qty AS quantity, qty * price AS revenue
  FROM read_csv('orders.csv', delim = ';', decimal_separator = ',', thousands = '.')`;

async function printed(folder: string) {
  const { path, result } = await report({ dataFolder: folder }, { format: "csv" });
  return { text: await readFile(path, "utf8"), result, kinds: result.warnings.map(({ kind }) => kind) };
}

describe("encodings", () => {
  it("are found out, and a guess is said", async () => {
    const folder = await writeShop({ "products.csv": PRODUCTS, "orders.csv": ORDERS }, mapping(EUROPEAN));
    await writeFile(join(folder, "customers.csv"), Buffer.from(CUSTOMERS, "latin1"));
    const { text, result, kinds } = await printed(folder);
    expect(totalsOf(result)).toMatchObject({ lines: 2, revenue: 2_469.75 });
    for (const word of ["Jürgen", "Köln", "Zoë", "Würzburg", "Häkelgarn"]) expect(text).toContain(word);
    expect(kinds).toEqual(["guessed_encoding"]);
    expect(result.warnings[0]!.message).toContain('"customers.csv" is not UTF-8 and was read as windows-1252');
  });

  it("are known by their mark, or by the mapping, and nothing need be said", async () => {
    const customers = LISTS.customers.replace("'customers.csv'", "read_csv('customers.csv', encoding = 'windows-1252')");
    const folder = await writeShop({ "orders.csv": ORDERS }, mapping(EUROPEAN, { customers }));
    await writeFile(join(folder, "customers.csv"), Buffer.from(CUSTOMERS, "latin1"));
    await writeFile(join(folder, "products.csv"), Buffer.from(`\uFEFF${PRODUCTS}`, "utf16le"));
    const { text, kinds } = await printed(folder);
    for (const word of ["Köln", "Häkelgarn"]) expect(text).toContain(word);
    expect(kinds).toEqual([]);
    expect(await coveredDays(folder)).toEqual({ first: "2024-01-05", last: "2024-01-06" });
  });

  it("that a file does not keep to are refused by its name, with what to write", async () => {
    const customers = LISTS.customers.replace("'customers.csv'", "read_csv('customers.csv', encoding = 'utf-8')");
    const folder = await writeShop({ "orders.csv": ORDERS, "products.csv": PRODUCTS }, mapping(EUROPEAN, { customers }));
    await writeFile(join(folder, "customers.csv"), Buffer.from(CUSTOMERS, "latin1"));
    const refused = report({ dataFolder: folder }).catch((error: unknown) => error);
    expect(String(await refused)).toMatch(/line 2 of "customers\.csv" is not UTF-8.*encoding = 'windows-1252'/);
  });

  it("of files that a pattern names are each their own", async () => {
    const orders = EUROPEAN.replace("orders.csv", "orders-*.csv");
    const folder = await writeShop({ "customers.csv": CUSTOMERS, "products.csv": PRODUCTS, "orders-1.csv": ORDERS }, mapping(orders));
    await writeFile(join(folder, "orders-2.csv"), Buffer.from(ORDERS.replaceAll("A", "Ä").replaceAll("2024", "2025"), "latin1"));
    const { path, result } = await report({ dataFolder: folder }, { format: "csv", end_date: "2025-12-31", report_type: "custom" });
    expect(totalsOf(result)).toMatchObject({ lines: 4, orders: 4 });
    expect(await readFile(path, "utf8")).toContain("Ä1");
  });
});

describe("workbooks", () => {
  const cell = (value: string | number): string =>
    typeof value === "number" ? `<c><v>${value}</v></c>` : `<c t="inlineStr"><is><t>${value}</t></is></c>`;
  /** `<row>` elements of orders with these numbers. */
  const rows = (numbers: readonly string[]): string =>
    [["day", "no", "sku", "customer", "qty", "price"], ...numbers.map((no) => ["2024-01-05", no, "7", "1", 2, 1.5])]
      .map((row) => `<row>${row.map(cell).join("")}</row>`)
      .join("");
  const PLAIN =
    "SELECT day AS order_date, no AS order_id, sku AS product_key, customer AS customer_key, qty AS quantity, qty * price AS revenue FROM";
  const LONG = ["89490200001234560000", "89490200001234560001"];

  it("are named as any file is, and their keys keep every digit", async () => {
    const folder = await writeShop(
      { "customers.csv": CUSTOMERS, "products.csv": PRODUCTS },
      mapping(`${PLAIN} 'orders.xlsx' WHERE orders.qty > 0`),
    );
    await writeWorkbook(join(folder, "orders.xlsx"), { sheets: { orders: rows(LONG) } });
    const { text, result, kinds } = await printed(folder);
    expect(totalsOf(result)).toMatchObject({ orders: 2, revenue: 6 });
    for (const no of LONG) expect(text).toContain(no);
    expect(kinds).toEqual([]);
  });

  it("are read by the sheet that is asked for, and others are told of", async () => {
    const folder = await writeShop(
      { "customers.csv": CUSTOMERS, "products.csv": PRODUCTS },
      mapping(`${PLAIN} read_xlsx('orders.xlsx', sheet = 'May') AS o WHERE o.qty > 0`),
    );
    await writeWorkbook(join(folder, "orders.xlsx"), { sheets: { April: rows(["A1"]), May: rows(["M1", "M2"]) } });
    const { text, kinds } = await printed(folder);
    expect(text).toContain("M2");
    expect(text).not.toContain("A1");
    expect(kinds).toEqual(["other_sheets"]);
  });

  it("without that sheet are refused, with what to write", async () => {
    const folder = await writeShop(
      { "customers.csv": CUSTOMERS, "products.csv": PRODUCTS },
      mapping(`${PLAIN} read_xlsx('orders.xlsx', sheet = 'June')`),
    );
    await writeWorkbook(join(folder, "orders.xlsx"), { sheets: { May: rows(["M1"]) } });
    const error = await report({ dataFolder: folder }).catch((reason: unknown) => reason);
    expect(String(error)).toMatch(/"June".*May|May.*"June"/);
    expect(String(error)).toContain("read_xlsx(…, sheet = '…')");
  });
});

describe("lines that cannot be read", () => {
  const many = Array.from({ length: 30_000 }, (_, row) => `${row},${row}`);
  it.each([
    ["9,x", /line 30,002 of "products\.csv" has "x" in column "sku", which is no BIGINT.*types = \{'sku': 'VARCHAR'\}/],
    ["9,8,7", /line 30,002 of "products\.csv" has 3 columns where 2 are expected.*delim/],
  ])("are told by file, line and remedy: %s", async (line, told) => {
    const products = "SELECT sku + 0 AS product_key, no AS product, 'all' AS category FROM 'products.csv'";
    const folder = await writeShop(
      { "customers.csv": CUSTOMERS, "orders.csv": ORDERS, "products.csv": ["no,sku", ...many, line].join("\n") },
      mapping(EUROPEAN, { products }),
    );
    const error = await report({ dataFolder: folder }).catch((reason: unknown) => reason);
    expect(String(error)).toMatch(told);
    expect(String(error)).not.toContain("\n");
  });
});
