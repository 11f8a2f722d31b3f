/** Keys are texts from file to output, and what DuckDB's types would forget is kept. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fileReads } from "../../src/generate-report/sources/file-reads.ts";
import { report, totalsOf, writeShop } from "./shops.ts";

const LISTS = {
  customers: "SELECT number AS customer_key, name AS customer FROM 'customers.csv'",
  products: "SELECT sku AS product_key, name AS product, kind AS category FROM 'products.csv'",
};
const mapping = (transactions: string, more: Record<string, unknown> = {}): unknown => ({
  title: "Shop",
  currency: "EUR",
  sources: { transactions, ...LISTS },
  ...more,
});
const lists = (customers: readonly string[], products: readonly string[]): Record<string, string> => ({
  "customers.csv": ["number,name", ...customers.map((number) => `${number},Customer ${number}`)].join("\n"),
  "products.csv": ["sku,name,kind", ...products.map((sku) => `${sku},Product ${sku},${sku}`)].join("\n"),
});
const PLAIN =
  "SELECT day AS order_date, no AS order_id, sku AS product_key, customer AS customer_key, qty AS quantity, qty * price AS revenue FROM 'orders.csv'";
const HEADER = "day,no,sku,customer,qty,price";

async function rowsOf(folder: string): Promise<{ rows: string[][]; result: Awaited<ReturnType<typeof report>>["result"] }> {
  const { path, result } = await report({ dataFolder: folder });
  const [, ...lines] = (await readFile(path, "utf8")).trim().split("\n");
  return { rows: lines.map((line) => line.split(",")), result };
}

describe("keys", () => {
  it("keep all digits and zeros, and tell apart what floating-point numbers do not", async () => {
    const orders = ["89490200001234560000", "89490200001234560001", "00042", "42", "4.20", "4.2", "1e3"];
    const files = {
      "orders.csv": [HEADER, ...orders.map((no) => `2024-01-05,${no},0${no},${no},1,2.50`)].join("\n"),
      ...lists(
        orders,
        orders.map((no) => `0${no}`),
      ),
    };
    const { rows, result } = await rowsOf(await writeShop(files, mapping(PLAIN)));
    expect(new Set(rows.map((row) => row[1]))).toEqual(new Set(orders));
    expect(
      rows.every(
        ([, order, customer, name, sku, product, category]) =>
          customer === order && name === `Customer ${order}` && sku === `0${order}` && product === `Product 0${order}` && category === sku,
      ),
    ).toBe(true);
    expect(totalsOf(result)).toMatchObject({ orders: 7, customers: 7, revenue: 17.5 });
    expect(result.warnings).toEqual([]);
  });

  it("stay apart where a SELECT joins files of its own, and calculates", async () => {
    const nos = ["89490200001234560000", "89490200001234560001"];
    const files = {
      "heads.csv": ["no,day,customer", ...nos.map((no, index) => `${no},2024-01-05,${index}`)].join("\n"),
      "lines.csv": ["no,sku,qty,price", ...nos.map((no, index) => `${no},1,${index + 1},10`)].join("\n"),
      ...lists(["0", "1"], ["1"]),
    };
    const sql =
      "SELECT h.day AS order_date, 'N' || l.no AS order_id, sku AS product_key, customer AS customer_key, sum(qty) AS quantity, sum(qty * price) AS revenue FROM 'heads.csv' h JOIN read_csv('lines.csv') AS l ON h.no = l.no GROUP BY ALL";
    const { rows, result } = await rowsOf(await writeShop(files, mapping(sql)));
    expect(rows.map((row) => [row[1], row[2]])).toEqual([
      ["N89490200001234560000", "0"],
      ["N89490200001234560001", "1"],
    ]);
    expect(totalsOf(result)).toMatchObject({ lines: 2, revenue: 30 });
  });

  it("are kept in JSON too, like the offset of a stamp", async () => {
    const files = {
      "orders.json": `[{"ts":"2024-03-31T00:30:00+02:00","no":89490200001234560000,"sku":"007"},{"ts":"2024-03-31T23:30:00Z","no":89490200001234560001,"sku":"008"}]`,
      ...lists(["1"], ["007", "008"]),
    };
    const sql =
      "SELECT ts AS order_date, no AS order_id, sku AS product_key, 1 AS customer_key, 1 AS quantity, 5 AS revenue FROM 'orders.json'";
    const { rows } = await rowsOf(await writeShop(files, mapping(sql)));
    expect(rows.map((row) => row.slice(0, 2))).toEqual([
      ["2024-03-30", "89490200001234560000"],
      ["2024-03-31", "89490200001234560001"],
    ]);
    const berlin = await rowsOf(await writeShop(files, mapping(sql, { time_zone: "Europe/Berlin" })));
    // Half an hour before the clocks went forward there, and an hour and a half into the next day.
    expect(berlin.rows.map((row) => row[0])).toEqual(["2024-03-30", "2024-04-01"]);
  });

  it("are compared as they are written: what meets nothing is counted, and what would be alike is said", async () => {
    const files = {
      "orders.csv": [HEADER, "2024-01-05,a,1,20.0,1,2", "2024-01-06,b,1,21.0,1,2", "2024-01-06,c,9,20.0,1,2"].join("\n"),
      ...lists(["20", "21"], ["1"]),
    };
    const { rows, result } = await rowsOf(await writeShop(files, mapping(PLAIN)));
    expect(rows.map((row) => row[2])).toEqual(["20.0", "21.0", "20.0"]);
    expect(result.warnings).toMatchObject([
      { kind: "unlisted_keys", column: "customer_key", count: 3, message: expect.stringContaining('"20" for "20.0"') as string },
      { kind: "unlisted_keys", column: "product_key", count: 1 },
    ]);
  });

  it("of a typed column of floating-point numbers are whole numbers, or refused when there are too many digits", async () => {
    const sql = (key: string): string =>
      `SELECT DATE '2024-01-05' AS order_date, ${key} AS order_id, 1 AS product_key, 20::DOUBLE AS customer_key, 1 AS quantity, 5 AS revenue`;
    const { rows, result } = await rowsOf(await writeShop(lists(["20"], ["1"]), mapping(sql("7.0::DOUBLE"))));
    expect([rows[0]?.slice(1, 4), result.warnings]).toEqual([["7", "20", "Customer 20"], []]);
    await expect(rowsOf(await writeShop(lists(["20"], ["1"]), mapping(sql("8.9e19::DOUBLE"))))).rejects.toThrow(
      /"order_id" holds 8\.9e\+?19.*Write it as text/,
    );
  });
});

describe("numbers", () => {
  it("that turn up further down than DuckDB looks are read as they are", async () => {
    const many = Array.from({ length: 25_000 }, (_, index) => `2024-01-05,${index},1,1,1,2`);
    const files = { "orders.csv": [HEADER, ...many, "2024-01-06,007,1,1,2.5,2"].join("\n"), ...lists(["1"], ["1"]) };
    const { rows, result } = await rowsOf(await writeShop(files, mapping(PLAIN)));
    expect(rows.at(-1)?.slice(1, 2)).toEqual(["007"]);
    expect(totalsOf(result)).toMatchObject({ orders: 25_001, units: 25_002.5, revenue: 50_005 });
  });

  it("of fourteen digits keep their cents, and larger ones are refused with the limit and what to do", async () => {
    const sql = PLAIN.replace("qty * price", "price");
    const shop = (price: string): Promise<string> =>
      writeShop({ "orders.csv": [HEADER, `2024-01-05,a,1,1,1,${price}`].join("\n"), ...lists(["1"], ["1"]) }, mapping(sql));
    const { rows } = await rowsOf(await shop("99999999999999.1234"));
    expect(rows[0]?.at(-1)).toBe("99999999999999.1234");
    await expect(rowsOf(await shop("125000000000000"))).rejects.toThrow(
      /"revenue" is 125000000000000.*limit is 99,999,999,999,999\.9999.*thousands/,
    );
  });

  it("of more than four decimals are rounded, and counted", async () => {
    const files = { "orders.csv": [HEADER, "2024-01-05,a,1,1,1,0.12345", "2024-01-05,b,1,1,3,0.1"].join("\n"), ...lists(["1"], ["1"]) };
    const { result } = await rowsOf(await writeShop(files, mapping(PLAIN)));
    expect(result.warnings).toMatchObject([{ kind: "rounded_amounts", count: 1 }]);
  });

  it("follow their author's types and options", async () => {
    const files = {
      "orders.csv": ["day;no;sku;customer;qty;price", "05.01.2024;0815;1;1;1;1.234,50", "06.01.2024;0816;1;1;2;2,25"].join("\n"),
      ...lists(["1"], ["1"]),
    };
    const sql = `SELECT strptime(day, '%d.%m.%Y')::DATE AS order_date, no AS order_id, sku AS product_key, customer AS customer_key, qty AS quantity, qty * price AS revenue
      FROM read_csv('orders.csv', delim = ';', decimal_separator = ',', thousands = '.', types = {'price': 'DECIMAL(18,2)', 'day': 'VARCHAR'}) -- read_csv('x')`;
    const { rows, result } = await rowsOf(await writeShop(files, mapping(sql)));
    expect(rows.map((row) => row[1])).toEqual(["0815", "0816"]);
    expect(totalsOf(result).revenue).toBe(1239);
  });
});

describe("time zones", () => {
  it("are the mapping's, whatever the server's", async () => {
    const before = process.env.TZ;
    const files = { "orders.csv": `day,no\n2024-03-31T00:30:00+02:00,1\n2024-12-31T23:30:00-03:00,2`, ...lists(["1"], ["1"]) };
    const sql =
      "SELECT day AS order_date, no AS order_id, 1 AS product_key, 1 AS customer_key, 1 AS quantity, 5 AS revenue FROM 'orders.csv'";
    const days = async (zone: string, time_zone: string): Promise<(string | undefined)[]> => {
      process.env.TZ = zone;
      const { rows } = await rowsOf(await writeShop(files, mapping(sql, { time_zone })));
      return rows.map((row) => row[0]);
    };
    try {
      expect(await days("Asia/Tokyo", "UTC")).toEqual(["2024-03-30"]);
      expect(await days("America/Sao_Paulo", "UTC")).toEqual(["2024-03-30"]);
      expect(await days("Pacific/Apia", "America/Sao_Paulo")).toEqual(["2024-03-30", "2024-12-31"]);
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });

  it("that are none are refused with the mapping", async () => {
    await expect(rowsOf(await writeShop(lists(["1"], ["1"]), mapping(PLAIN, { time_zone: "Mars/Olympus" })))).rejects.toThrow(
      /time_zone: must be a time zone/,
    );
  });
});

describe("files in SQL", () => {
  it("are found where a table stands, and nowhere else", () => {
    const sql = `SELECT 'a.csv' AS x, (SELECT max(y) FROM 'b.json' WHERE z = 'c.csv') FROM 'd.csv' LEFT JOIN 'e.csv.gz' AS e USING (k), 'f.tsv' f
      /* FROM 'g.csv' */ JOIN read_csv(['h.csv', 'i.csv'], types = {'a': 'X(1,2)'}, sep := ';') ON "j.csv" = 'k.csv' UNION SELECT * FROM ('l.csv')`;
    expect(
      fileReads(sql).map(({ files, aliased, options }) => [files, aliased, options.map(({ name, value }) => `${name}=${value}`).join(" ")]),
    ).toEqual([
      ["'b.json'", false, ""],
      ["'d.csv'", false, ""],
      ["'e.csv.gz'", true, ""],
      ["'f.tsv'", true, ""],
      ["['h.csv', 'i.csv']", false, "types={'a': 'X(1,2)'} sep=';'"],
      ["'l.csv'", false, ""],
    ]);
  });

  it("keep the names that DuckDB gives them", async () => {
    const files = { "orders-2024.csv": `${HEADER}\n2024-01-05,1.50,1,1,1,2`, ...lists(["1"], ["1"]) };
    const sql = `SELECT "orders-2024".day AS order_date, "orders-2024".no AS order_id, sku AS product_key, customer AS customer_key, qty AS quantity, price AS revenue FROM 'orders-2024.csv'`;
    expect((await rowsOf(await writeShop(files, mapping(sql)))).rows[0]?.[1]).toBe("1.50");
    const folder = await writeShop(files, mapping(PLAIN.replace("orders.csv", "orders-*.csv")));
    await writeFile(join(folder, "orders-2025.csv"), `${HEADER}\n2024-01-06,89490200001234560000,1,1,1,2`);
    expect((await rowsOf(folder)).rows.map((row) => row[1])).toEqual(["1.50", "89490200001234560000"]);
  });
});
