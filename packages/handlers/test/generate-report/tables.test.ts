/** What the tables of a report promise: each adds up to the totals, to the last decimal. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Named, Summary } from "../../src/generate-report/figures.ts";
import { SOURCES, report, summaryOf, writeShop } from "./shops.ts";

const HEADER = "order_date,order_id,product_key,customer_key,quantity,revenue,profit,region";
const units = (texts: readonly string[]): bigint => texts.reduce((sum, text) => sum + tenThousandths(text), 0n);

/** "-12.5" as -125000n. */
function tenThousandths(text: string): bigint {
  const [whole = "0", decimals = ""] = text.split(".");
  const digits = BigInt(whole.replace("-", "") + decimals.padEnd(4, "0"));
  return whole.startsWith("-") ? -digits : digits;
}

const tablesOf = ({ periods, categories, regions, products, customers }: Summary): Readonly<Record<string, readonly Named[]>> => ({
  periods,
  categories,
  regions,
  products,
  customers,
});

function expectToAddUp(summary: Summary): void {
  for (const [name, rows] of Object.entries(tablesOf(summary))) {
    for (const figure of ["revenue", "profit", "units"] as const)
      expect(units(rows.map(({ exact }) => exact[figure])), `${figure} of ${name}`).toBe(tenThousandths(summary.exact[figure]));
    expect(rows.reduce((sum, { lines }) => sum + lines, 0)).toBe(summary.totals.lines);
  }
}

const amount = fc.integer({ min: -9_999_999, max: 99_999_999_999 }).map((value) => (value / 10_000).toFixed(4));
const line = fc.record({
  month: fc.integer({ min: 1, max: 12 }),
  order: fc.integer({ min: 1, max: 40 }),
  product: fc.option(fc.integer({ min: 1, max: 30 })),
  customer: fc.option(fc.integer({ min: 1, max: 30 })),
  quantity: fc.integer({ min: -2_000, max: 9_000 }).map((value) => value / 1_000),
  revenue: amount,
  profit: amount,
  region: fc.option(fc.integer({ min: 1, max: 15 })),
});

describe("tables", () => {
  it("add up to the totals exactly, whatever the shop", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 120 }), async (lines) => {
        const rows = lines.map(
          ({ month, order, product, customer, quantity, revenue, profit, region }) =>
            `2024-${String(month).padStart(2, "0")}-10,o${order},${product === null ? "" : `p${product}`},${customer === null ? "" : `c${customer}`},${quantity},${revenue},${profit},${region === null ? "" : `r${region}`}`,
        );
        const products = Array.from({ length: 25 }, (_, index) => `p${index},Product ${index},Kind ${index % 7}`);
        const folder = await writeShop(
          {
            "orders.csv": [HEADER, ...rows].join("\n"),
            "customers.csv": "customer_key,customer\nc1,Anna\nc2,Anna",
            "products.csv": ["product_key,product,category", ...products].join("\n"),
          },
          {
            ...SOURCES,
            sources: {
              ...SOURCES.sources,
              transactions: "SELECT * FROM read_csv('orders.csv', types = {'revenue': 'DECIMAL(18,4)', 'profit': 'DECIMAL(18,4)'})",
            },
          },
        );
        expectToAddUp(await summaryOf(folder));
      }),
      { numRuns: 12 },
    );
  });

  it("have rows for lines without one and for all beyond the first", async () => {
    const lines = Array.from({ length: 14 }, (_, index) => `2024-02-0${(index % 9) + 1},o${index},1,10,1,${100 - index},1,R${index}`);
    const folder = await writeShop({
      "orders.csv": [HEADER, ...lines, "2024-02-01,o99,1,,1,500,1,"].join("\n"),
      "customers.csv": "customer_key,customer\n10,Anna",
      "products.csv": "product_key,product,category\n1,Nut,Nuts",
    });
    const { regions, customers } = await summaryOf(folder);
    expect(regions.slice(9).map(({ name, role, revenue, lines: count }) => [name, role, revenue, count])).toEqual([
      ["R9", "one", 91, 1],
      ["(no region)", "none", 500, 1],
      ["Other", "other", 90 + 89 + 88 + 87, 4],
    ]);
    expect(customers.map(({ name, revenue }) => [name, revenue])).toEqual([
      ["Anna", 1309],
      ["(no customer)", 500],
    ]);
    const german = await summaryOf(folder, { locale: "de" });
    expect(german.regions.slice(-2).map(({ name }) => name)).toEqual(["(ohne Region)", "Übrige"]);
  });
});

describe("comparisons", () => {
  const shop = (lines: readonly string[]): Promise<string> =>
    writeShop({
      "orders.csv": [HEADER, ...lines].join("\n"),
      "customers.csv": "customer_key,customer\n10,Anna",
      "products.csv": "product_key,product,category\n1,Nut,Nuts\n2,Bolt,Bolts",
    });

  it("stand beside each row, for the same name and the same days", async () => {
    const folder = await shop([
      "2023-01-01,a,1,10,1,10,1,North",
      "2023-04-30,b,1,10,1,40,4,North",
      "2024-01-15,c,1,10,1,30,3,North",
      "2024-04-05,d,1,10,1,60,6,North",
      "2024-05-05,e,2,10,1,5,1,South",
    ]);
    const summary = await summaryOf(folder, { start_date: "2024-04-01", end_date: "2024-06-30" });
    expect(summary.comparisons).toMatchObject([
      { name: "previous", start: "2024-01-01", end: "2024-03-31", coverage: "covered", totals: { revenue: 30, orders: 1 } },
      { name: "year_before", start: "2023-04-01", end: "2023-06-30", coverage: "covered", totals: { revenue: 40 } },
    ]);
    expect(summary.products.map(({ name, earlier }) => [name, earlier.previous?.revenue, earlier.year_before?.revenue])).toEqual([
      ["Nut", 30, 40],
      ["Bolt", 0, 0],
    ]);
    expect(summary.periods.map(({ earlier }) => [earlier.previous?.revenue, earlier.year_before?.revenue])).toEqual([
      [undefined, 40],
      [60, 0],
      [5, 0],
    ]);
    expect(summary.data).toEqual({ first: "2023-01-01", last: "2024-05-05" });
  });

  it("are not made with days the data does not cover, and the result says so", async () => {
    const folder = await shop(["2023-10-01,a,1,10,1,10,1,North", "2024-02-01,b,1,10,1,20,2,North"]);
    const { result } = await report({ dataFolder: folder });
    expect(result.stats.comparisons).toEqual([{ name: "year_before", start: "2023-01-01", end: "2023-12-31", coverage: "not_covered" }]);
  });
});

describe("returning customers", () => {
  it("have two orders or more that are not all returns, whatever the filters", async () => {
    const folder = await writeShop({
      "orders.csv": [
        HEADER,
        "2024-01-01,a,1,10,1,10,1,North",
        "2024-02-01,b,2,10,1,10,1,North",
        "2024-01-01,c,1,11,1,10,1,North",
        "2024-01-09,d,1,11,-1,-10,-1,North",
        "2024-01-01,e,2,12,1,10,1,South",
      ].join("\n"),
      "customers.csv": "customer_key,customer\n10,Anna\n11,Ben\n12,Cleo",
      "products.csv": "product_key,product,category\n1,Nut,Nuts\n2,Bolt,Bolts",
    });
    expect((await summaryOf(folder)).totals).toMatchObject({ customers: 3, returning_customers: 1 });
    expect((await summaryOf(folder, { filters: { category: "Nuts" } })).totals).toMatchObject({ customers: 2, returning_customers: 1 });
  });
});
