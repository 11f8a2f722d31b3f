/**
 * The words of a report, once for each language: every format takes its texts from here, so that a workbook and a PDF
 * of the same report call the same thing by the same name.
 */
import type { FilterField, ReportInput } from "../input.ts";
import type { PeriodUnit } from "../periods.ts";
import { de } from "./de.ts";
import { en } from "./en.ts";
import { es } from "./es.ts";
import { fr } from "./fr.ts";
import { ja } from "./ja.ts";
import type { Locale } from "./locales.ts";

export interface Labels {
  /** The language as Intl and PDF name it. */
  readonly tag: string;
  readonly reports: Readonly<Record<ReportInput["report_type"], string>>;
  readonly units: Readonly<Record<PeriodUnit, string>>;
  /** "Revenue by month". */
  readonly revenueBy: Readonly<Record<PeriodUnit, string>>;
  span(from: string, to: string): string;
  weekOf(day: string): string;
  quarter(number: number, year: string): string;
  /** "FY 2024/25". */
  fiscalYear(years: string): string;
  /** A period of which the report shows a part. */
  partial(period: string): string;
  /** Titles of columns, headline figures and facts. */
  readonly date: string;
  readonly order: string;
  readonly customerKey: string;
  readonly customer: string;
  readonly productKey: string;
  readonly product: string;
  readonly category: string;
  readonly region: string;
  readonly country: string;
  readonly quantity: string;
  readonly period: string;
  readonly name: string;
  readonly revenue: string;
  readonly profit: string;
  readonly margin: string;
  readonly share: string;
  readonly orders: string;
  readonly averageOrder: string;
  readonly customers: string;
  readonly returningCustomers: string;
  readonly unitsSold: string;
  readonly orderLines: string;
  readonly returnedLines: string;
  readonly returnedRevenue: string;
  readonly total: string;
  readonly totals: string;
  readonly categories: string;
  readonly topProducts: string;
  readonly topRegions: string;
  readonly topCountries: string;
  readonly topCustomers: string;
  /** What a row is called that stands for lines without one, and the one for all that are beyond the first. */
  readonly none: Readonly<Record<FilterField, string>>;
  readonly other: string;
  readonly unknown: string;
  /** A customer without a name. */
  customerNumber(key: string): string;
  /** Comparison. */
  readonly previous: string;
  readonly yearBefore: string;
  readonly growth: string;
  notCovered(comparison: string, firstDay: string): string;
  /** Facts about the report. */
  readonly filter: string;
  readonly filters: string;
  readonly noFilters: string;
  amountsIn(currency: string): string;
  daysIn(timeZone: string): string;
  dataFrom(first: string, last: string): string;
  readonly generated: string;
  page(page: number, pages: number): string;
  readonly warnings: string;
  readonly noSales: string;
  lines(count: number, printed: string): string;
  onAverage(amount: string): string;
  ofRevenue(share: string): string;
  cameBack(share: string): string;
  returns(lines: string, amount: string): string;
  allLines(count: number, printed: string): string;
  shortened(printed: string, total: string): string;
  /** Names of the sheets of a workbook, at most 31 characters. */
  readonly summarySheet: string;
  readonly detailSheet: string;
}

const TABLES: Readonly<Record<Locale, Labels>> = { en, de, fr, es, ja };

export const labelsOf = (locale: Locale): Labels => TABLES[locale];
