/** Nothing that a shop's files lack changes a report in silence: it is counted by the name of its column. */
import { expect, it } from "vitest";
import { report, SOURCES, totalsOf, writeShop } from "./shops.ts";

const CUSTOMERS = "customer_key,customer\n10,Anna\n,Nobody\n,Nobody either";
const PRODUCTS = "product_key,product,category\n1,Nut,Nuts\n2,,Nuts\n3,Bolt,\n4,,\n,Screw,Screws";

const shop = (lines: readonly string[], sources: object = SOURCES.sources): Promise<string> =>
  writeShop(
    {
      "orders.csv": ["order_date,order_id,product_key,customer_key,quantity,revenue,profit", ...lines].join("\n"),
      "orders-2.csv": "order_date,order_id,product_key,customer_key,quantity,revenue,profit\n2024-02-05,B1,1,10,2,1,1",
      "customers.csv": CUSTOMERS,
      "products.csv": PRODUCTS,
    },
    { ...SOURCES, sources },
  );

it("what lines, customers and products lack is counted, column by column", async () => {
  const folder = await shop([
    "2024-01-05,A1,1,10,2,20.5,8",
    "2024-01-05,A1,1,10,,10,",
    "2024-01-06,,2,10,1,,1",
    "2024-01-07,A3,3,,1.5,,",
    "2024-01-08,A4,,10,1,1,1",
    ",A5,1,10,1,1000,1",
    "2023-01-08,A4,1,10,,1,1",
  ]);
  const { result } = await report({ dataFolder: folder });
  expect(totalsOf(result)).toMatchObject({ lines: 5, orders: 3, units: 5.5, revenue: 31.5 });
  const found = result.warnings.map(({ kind, column, count }) => [kind, column, count]);
  expect(found).toEqual([
    ["undated_lines", "order_date", 1],
    ["missing_amounts", "quantity", 1],
    ["missing_amounts", "revenue", 2],
    ["missing_amounts", "profit", 2],
    ["missing_keys", "order_id", 1],
    ["missing_keys", "product_key", 1],
    ["missing_keys", "customer_key", 1],
    ["missing_keys", "customer_key", 2],
    ["missing_keys", "product_key", 1],
    ["unnamed_products", "product", 1],
    ["unnamed_products", "category", 1],
  ]);
});

it("a file that lacks nothing is not warned of", async () => {
  const { result } = await report({
    dataFolder: await shop(["2024-01-05,A1,1,10,2,20.5,8"], {
      ...SOURCES.sources,
      customers: "SELECT * FROM 'customers.csv' WHERE customer_key IS NOT NULL",
      products: "SELECT * FROM 'products.csv' WHERE product_key IS NOT NULL",
    }),
  });
  expect(result.warnings).toEqual([]);
});

it.each([
  ["a file", "read_csv('orders.csv', ignore_errors = true, types = {'quantity': 'INTEGER', 'revenue': 'DOUBLE'})"],
  ["files", "read_csv(['orders.csv', 'orders-*.csv'], IGNORE_ERRORS = TRUE, types = {'quantity': 'INTEGER', 'revenue': 'DOUBLE'})"],
])("lines of %s that the mapping has DuckDB leave out are counted", async (_, read) => {
  const lines = ["2024-01-05,A1,1,10,2,20.5,8", "2024-01-05,A2,1,10,two,20.5,8", "2024-01-05,A3,1,10,2,much,8", "2024-01-06,A4,1"];
  const folder = await shop(lines, { ...SOURCES.sources, transactions: `SELECT * FROM ${read}` });
  const { result } = await report({ dataFolder: folder });
  expect(totalsOf(result).revenue).toBeGreaterThan(20);
  expect(result.warnings.find(({ kind }) => kind === "bad_rows")).toMatchObject({
    count: 3,
    message: expect.stringMatching(/3 lines of "orders\.csv".*ignore_errors.*such as line 3/) as string,
  });
});
