import { describe, expect, it } from "vitest";
import { comparedSpans, growthOf, isCovered, yearEarlier } from "../../src/generate-report/comparisons.ts";
import { LOCALES } from "../../src/generate-report/locale/locales.ts";
import { labelsOf } from "../../src/generate-report/locale/labels.ts";
import { dayName, periodName, periodsIn, type Calendar, type PeriodUnit } from "../../src/generate-report/periods.ts";

const CALENDAR: Calendar = { first_day_of_week: "monday", fiscal_year_start: 1 };
const names = (unit: PeriodUnit, start: string, end: string, calendar = CALENDAR): string[] =>
  periodsIn(unit, { start, end }, calendar).map(({ begins, part }) => `${periodName(unit, begins, labelsOf("en"), calendar)} ${part}`);

describe("periods", () => {
  it("are cut at the ends of the report, and say so", () => {
    expect(names("month", "2024-01-15", "2024-03-31")).toEqual(["Jan 2024 partial", "Feb 2024 whole", "Mar 2024 whole"]);
    expect(periodsIn("month", { start: "2024-01-15", end: "2024-01-20" }, CALENDAR)).toEqual([
      { begins: "2024-01-01", start: "2024-01-15", end: "2024-01-20", part: "partial" },
    ]);
  });

  it("begin their weeks on the mapping's day", () => {
    expect(names("week", "2024-01-01", "2024-01-08")).toEqual(["Week of 1 Jan 2024 whole", "Week of 8 Jan 2024 partial"]);
    expect(names("week", "2024-01-01", "2024-01-06", { ...CALENDAR, first_day_of_week: "sunday" })).toEqual([
      "Week of 31 Dec 2023 partial",
    ]);
  });

  it("begin their quarters and years in the mapping's month", () => {
    const calendar = { ...CALENDAR, fiscal_year_start: 4 };
    expect(names("quarter", "2024-03-01", "2024-07-31", calendar)).toEqual([
      "Q4 FY 2023/24 partial",
      "Q1 FY 2024/25 whole",
      "Q2 FY 2024/25 partial",
    ]);
    expect(names("year", "2023-04-01", "2024-04-01", calendar)).toEqual(["FY 2023/24 whole", "FY 2024/25 partial"]);
  });

  it("are named in every language", () => {
    const days = LOCALES.map((locale) => dayName("2024-09-02", labelsOf(locale)));
    expect(days).toEqual(["2 Sep 2024", "2. Sept. 2024", "2 sept. 2024", "2 sept 2024", "2024年9月2日"]);
  });
});

describe("comparisons", () => {
  const spans = (start_date: string, end_date: string): string[] =>
    comparedSpans({ start_date, end_date }).map(({ name, start, end }) => `${name} ${start} ${end}`);

  it("are the period before and the year before, once where they are the same", () => {
    expect(spans("2024-04-01", "2024-06-30")).toEqual(["previous 2024-01-01 2024-03-31", "year_before 2023-04-01 2023-06-30"]);
    expect(spans("2024-01-01", "2024-12-31")).toEqual(["year_before 2023-01-01 2023-12-31"]);
    expect(spans("2024-03-05", "2024-03-11")).toEqual(["previous 2024-02-27 2024-03-04", "year_before 2023-03-05 2023-03-11"]);
    expect(spans("2022-01-01", "2024-12-31")).toEqual(["previous 2019-01-01 2021-12-31"]);
  });

  it("keep to months that are shorter or longer a year earlier", () => {
    expect([yearEarlier("2024-02-29", "first"), yearEarlier("2025-02-28", "last"), yearEarlier("2025-02-28", "first")]).toEqual([
      "2023-02-28",
      "2024-02-29",
      "2024-02-28",
    ]);
  });

  it("need data from nearly their first day on", () => {
    const year = { start: "2023-01-01", end: "2023-12-31" };
    expect([isCovered(year, "2023-01-03"), isCovered(year, "2022-05-01"), isCovered(year, "2023-03-01"), isCovered(year, null)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it("give no growth over nothing or over a loss", () => {
    expect([growthOf(15, 10), growthOf(5, 10), growthOf(5, 0), growthOf(5, -1), growthOf(5, undefined)]).toEqual([
      0.5,
      -0.5,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
