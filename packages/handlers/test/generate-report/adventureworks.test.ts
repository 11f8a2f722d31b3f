import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { periodName } from "../../src/generate-report/periods.ts";
import type { Figures } from "../../src/generate-report/figures.ts";
import { labelsOf } from "../../src/generate-report/locale/labels.ts";
import { MAPPINGS, realData, report, summaryOf, totalsOf } from "./shops.ts";

const dataFolder = realData("adventureworks");
const MAPPING = join(MAPPINGS, "adventureworks.json");

const CALENDAR = { first_day_of_week: "monday", fiscal_year_start: 1 } as const;
const monthName = (month: string): string => periodName("month", `${month}-01`, labelsOf("en"), CALENDAR);

type Cases = Readonly<Record<string, Figures>>;
interface Reference {
  readonly all: Figures;
  readonly by_category: Cases;
  readonly by_region: Cases;
  readonly by_country: Cases;
  readonly by_month: Cases;
  readonly by_quarter: Cases;
  readonly cases: Cases;
  readonly top5_products_by_revenue: readonly { readonly product_name: string }[];
}

const WHOLE = { start_date: "2017-01-01", end_date: "2019-06-30", report_type: "custom" };
const CASES: Readonly<Record<string, Record<string, unknown>>> = {
  "2018-01-01..2018-12-31": { start_date: "2018-01-01", end_date: "2018-12-31" },
  "2018 Bikes Australia": { start_date: "2018-01-01", end_date: "2018-12-31", filters: { category: "Bikes", country: "Australia" } },
  "2018-Q3 Clothing": { start_date: "2018-07-01", end_date: "2018-09-30", report_type: "quarterly", filters: { category: ["Clothing"] } },
  "2019-06-30..2019-06-30": { start_date: "2019-06-30", end_date: "2019-06-30" },
};

const close = (actual: Figures | undefined, expected: Figures): void => {
  const { lines, orders, customers, units } = expected;
  expect(actual).toMatchObject({ lines, orders, customers, units });
  expect(Math.abs((actual?.revenue ?? 0) - expected.revenue)).toBeLessThan(0.01);
  expect(Math.abs((actual?.profit ?? 0) - expected.profit)).toBeLessThan(0.01);
};

const reference = JSON.parse(readFileSync(join(dataFolder, "reference_totals.json"), "utf8")) as Reference;
const filtered = (group: Cases, filter: string): [string, Record<string, unknown>, Figures][] =>
  Object.entries(group).map(([name, figures]) => [`${filter} ${name}`, { ...WHOLE, filters: { [filter]: name } }, figures]);
const cases: [string, Record<string, unknown>, Figures][] = [
  ["everything", WHOLE, reference.all],
  ...filtered(reference.by_category, "category"),
  ...filtered(reference.by_region, "territory"),
  ...filtered(reference.by_country, "country"),
  ...Object.entries(reference.cases).map(([name, figures]): [string, Record<string, unknown>, Figures] => [
    name,
    CASES[name] ?? {},
    figures,
  ]),
];
describe("AdventureWorks, against totals computed elsewhere", () => {
  it.each(cases)("agrees on %s", async (_, payload, expected) => {
    const { result } = await report({ dataFolder, mappingFile: MAPPING }, payload);
    close(totalsOf(result), expected);
    expect(result.records).toBe(expected.lines);
  });

  it("agrees on every month, category, region, country and the best products", async () => {
    const summary = await summaryOf(dataFolder, { ...WHOLE }, MAPPING);
    const months = Object.entries(reference.by_month);
    expect(summary.periods).toHaveLength(months.length);
    for (const [month, expected] of months)
      close(
        summary.periods.find(({ name }) => name === monthName(month)),
        expected,
      );
    for (const [list, group] of [
      ["categories", "by_category"],
      ["regions", "by_region"],
      ["countries", "by_country"],
    ] as const) {
      for (const [name, expected] of Object.entries(reference[group]))
        close(
          summary[list].find((row) => row.name === name),
          expected,
        );
    }
    const best = reference.top5_products_by_revenue.map(({ product_name }) => product_name);
    expect(summary.products.slice(0, 5).map(({ name }) => name)).toEqual(best);
  });

  it("agrees on every quarter", async () => {
    const { periods } = await summaryOf(dataFolder, { ...WHOLE, report_type: "quarterly" }, MAPPING);
    for (const [quarter, expected] of Object.entries(reference.by_quarter)) {
      close(
        periods.find(({ name }) => name === `${quarter.slice(4)} ${quarter.slice(0, 4)}`),
        expected,
      );
    }
    expect(periods).toHaveLength(Object.keys(reference.by_quarter).length);
  });
});
