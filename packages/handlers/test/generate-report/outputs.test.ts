import { readFile } from "node:fs/promises";
import { readXlsx } from "hucre/xlsx";
import { getDocument } from "pdfjs-dist/legacy/build/pdf.mjs";
import { describe, expect, it } from "vitest";
import { FILES, report, totalsOf, writeShop } from "./shops.ts";

async function pdfText(path: string): Promise<{ pages: number; text: string }> {
  const document = await getDocument({ data: new Uint8Array(await readFile(path)), useSystemFonts: true, verbosity: 0 }).promise;
  const texts: string[] = [];
  for (let page = 1; page <= document.numPages; page += 1) {
    const { items } = await (await document.getPage(page)).getTextContent();
    texts.push(items.map((item) => ("str" in item ? item.str : "")).join(" "));
  }
  await document.loadingTask.destroy();
  return { pages: document.numPages, text: texts.join("\n").replaceAll(/\s+/g, " ") };
}

describe("report as CSV", () => {
  it("has every line, typed, in order of date, and no text that could become a formula", async () => {
    const { path, result } = await report({ dataFolder: await writeShop() });
    expect(await readFile(path, "utf8")).toBe(
      [
        "order_date,order_id,customer_key,customer,product_key,product,category,region,quantity,revenue,profit",
        `2024-01-05,A1,10,"'=HYPERLINK(""http://x"")",1,'@SUM(A1),Tools & <Toys>,North,2,20.5000,8.2500`,
        `2024-01-05,A1,10,"'=HYPERLINK(""http://x"")",2,'-Nut,Nuts,North,1,5.2500,1.0000`,
        "2024-01-20,-7,11,'+49 Anna,1,'@SUM(A1),Tools & <Toys>,South,-1,-10.2500,-4.0000",
        "2024-03-31,A3,,,99,Unknown,Unknown,South,3,300.0000,100.0000",
        "",
      ].join("\n"),
    );
    expect(result).toMatchObject({
      records: 4,
      format: "csv",
      stats: { periods: 12, period_unit: "month", top_category: "Unknown", currency: "EUR" },
    });
    expect(result.size_bytes).toBe((await readFile(path)).length);
    expect(result.stats.sources).toEqual({ transactions: 4, customers: 2, products: 2, analytics: 3 });
    expect(totalsOf(result)).toMatchObject({
      lines: 4,
      orders: 3,
      customers: 2,
      units: 5,
      revenue: 315.5,
      profit: 105.25,
      returned_lines: 1,
    });
  });

  it("makes a report without lines, with zeros, rather than an error", async () => {
    const { result } = await report({ dataFolder: await writeShop() }, { start_date: "2023-01-01", end_date: "2023-12-31" });
    expect(result.records).toBe(0);
    expect(totalsOf(result)).toMatchObject({ lines: 0, orders: 0, revenue: 0, average_order: 0 });
  });
});

describe("report as Excel", () => {
  it("has a summary and the detail, with real dates and numbers, and texts that stay texts", async () => {
    const { path } = await report({ dataFolder: await writeShop() }, { format: "excel" });
    const { sheets } = await readXlsx(await readFile(path));
    expect(sheets.map(({ name }) => name)).toEqual(["Summary", "Detail"]);
    const [header, first, , third, last, total] = sheets[1]?.rows ?? [];
    expect(header?.slice(-2)).toEqual(["Revenue (EUR)", "Profit (EUR)"]);
    expect(first).toEqual([
      new Date("2024-01-05T00:00:00Z"),
      "A1",
      "10",
      '=HYPERLINK("http://x")',
      "1",
      "@SUM(A1)",
      "Tools & <Toys>",
      "North",
      2,
      20.5,
      8.25,
    ]);
    expect(third?.slice(8)).toEqual([-1, -10.25, -4]);
    expect(last?.slice(0, 6)).toEqual([new Date("2024-03-31T00:00:00Z"), "A3", null, null, "99", "Unknown"]);
    expect([total?.[0], ...(total?.slice(-3) ?? [])]).toEqual(["Total", 5, 315.5, 105.25]);
    const summary = sheets[0]?.rows ?? [];
    expect(summary.find((row) => row[0] === "Revenue (EUR)")?.[1]).toBe(315.5);
    expect(summary.find((row) => row[0] === "Feb 2024")?.slice(1, 9)).toEqual([0, 0, 0, 0, 0, 0, null, 0]);
    expect(summary.find((row) => row[0] === "Mar 2024")?.slice(1, 6)).toEqual([1, 1, 0, 3, 300]);
    // A total under every table: periods, categories, regions, products, customers.
    expect(summary.filter((row) => row[0] === "Total").map((row) => [row[1], row[5]])).toEqual(Array.from({ length: 5 }, () => [4, 315.5]));
    // What to know first.
    expect(summary.slice(2, 5).map(([text]) => text)).toEqual([
      "Please note",
      "1 order line without a customer_key: in the totals, and of no customer.",
      '1 order line with a product_key that "products" does not list, such as "99", under "Unknown".',
    ]);
  });

  it("goes on with further sheets past the limit of one, each with its header", async () => {
    const { path } = await report({ dataFolder: await writeShop(), rowsPerSheet: 3 }, { format: "excel" });
    const { sheets } = await readXlsx(await readFile(path));
    expect(sheets.map(({ name, rows }) => [name, rows.length]).slice(1)).toEqual([
      ["Detail", 4],
      ["Detail 2", 4],
    ]);
    expect(sheets[2]?.rows.map((row) => row[1])).toEqual(["Order", "-7", "A3", null]);
    expect(sheets.slice(1).map(({ rows }) => rows.at(-1)?.at(-2))).toEqual([25.75, 289.75]);
  });

  it("is the summary alone when no detail is asked for, in the language asked for", async () => {
    const { path, result } = await report({ dataFolder: await writeShop() }, { format: "excel", include_detail: false, locale: "de" });
    const { sheets } = await readXlsx(await readFile(path));
    expect(sheets.map(({ name }) => name)).toEqual(["Übersicht"]);
    expect(sheets[0]?.rows.find((row) => row[0] === "Umsatz (EUR)")?.[1]).toBe(315.5);
    expect(result.records).toBe(0);
  });

  it("is valid when nothing was sold", async () => {
    const { path } = await report({ dataFolder: await writeShop() }, { format: "excel", start_date: "2023-01-01", end_date: "2023-12-31" });
    const { sheets } = await readXlsx(await readFile(path));
    expect(sheets[1]?.rows).toHaveLength(1);
  });
});

describe("report as PDF", () => {
  it("says what it is about, its totals, every period, its tables and its lines", async () => {
    const { path, result } = await report({ dataFolder: await writeShop() }, { format: "pdf", filters: { region: ["North", "South"] } });
    const { text } = await pdfText(path);
    for (const expected of [
      "Corner shop",
      "Monthly report, 1 Jan 2024 to 31 Dec 2024",
      "Region: North, South",
      "Amounts in EUR",
      "€315.50",
      "Revenue (EUR) Period before Share Profit (EUR) Margin Jan 2024 2 2 2 15.50 4.9% 5.25 33.9%",
      "Feb 2024 0 0 0 0.00",
      "Tools & <Toys>",
      "Top customers",
      "All 4 lines.",
      "Page 1 of",
    ]) {
      expect(text).toContain(expected);
    }
    expect(result.records).toBe(4);
  });

  it("draws charts unless asked not to", async () => {
    const dataFolder = await writeShop();
    const drawn = await report({ dataFolder }, { format: "pdf" });
    const plain = await report({ dataFolder }, { format: "pdf", include_charts: false });
    // The period chart's legend, and a bar's own figure with its share.
    expect((await pdfText(drawn.path)).text).toMatch(/Profit Revenue .*€300\.00\s+95\.1%/);
    expect((await pdfText(plain.path)).text).not.toMatch(/€300\.00\s+95\.1% (?!Unknown)\D*€10\.25/);
    expect(plain.result.size_bytes).toBeLessThan(drawn.result.size_bytes);
  });

  it("says so when its detail is shortened, and keeps the lines with the most revenue", async () => {
    const { path, result } = await report({ dataFolder: await writeShop(), pdfRows: 2 }, { format: "pdf" });
    const { text } = await pdfText(path);
    expect(text).toContain("Shortened: the 2 lines with the highest revenue, of 4.");
    expect(result.records).toBe(2);
  });

  it("says so when nothing was sold", async () => {
    const { path } = await report({ dataFolder: await writeShop() }, { format: "pdf", start_date: "2023-01-01", end_date: "2023-12-31" });
    expect((await pdfText(path)).text).toContain("No sales in this period");
  });
});

describe("report of other shops", () => {
  it("leaves out what the data does not have", async () => {
    const orders = "order_date,order_id,product_key,customer_key,quantity,revenue\n2024-05-01,B1,1,10,0.5,3.10";
    const { path, result } = await report({ dataFolder: await writeShop({ ...FILES, "orders.csv": orders }) });
    expect((await readFile(path, "utf8")).split("\n")[0]).toBe(
      "order_date,order_id,customer_key,customer,product_key,product,category,quantity,revenue",
    );
    expect(totalsOf(result)).toMatchObject({ units: 0.5, revenue: 3.1, profit: 0 });
  });

  it("joins keys that one file writes as numbers and another as texts", async () => {
    const products = 'product_key,product,category\n1,Hammer,Tools\n2,Nut,Nuts\n"X9",Wrench,Tools';
    const { path } = await report({ dataFolder: await writeShop({ ...FILES, "products.csv": products }) });
    expect(await readFile(path, "utf8")).toContain(",1,Hammer,Tools,");
  });
});
