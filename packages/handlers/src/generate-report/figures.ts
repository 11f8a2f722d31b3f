/** The figures of a report, and the tables they stand in. */
import type { ComparisonName } from "./comparisons.ts";
import type { PeriodUnit, Span } from "./periods.ts";

export interface Figures {
  readonly lines: number;
  readonly orders: number;
  readonly customers: number;
  readonly units: number;
  readonly revenue: number;
  /** 0 where the data has no profit. */
  readonly profit: number;
}

/** The sums to the last decimal, for print: a number holds some sixteen digits, and a sum may have more. */
export interface ExactSums {
  readonly units: string;
  readonly revenue: string;
  readonly profit: string;
}

export interface Totals extends Figures {
  /** Lines with a negative quantity, and what they took back (zero or negative). */
  readonly returned_lines: number;
  readonly returned_revenue: number;
  readonly average_order: number;
  /** Customers of the report with two orders or more in the period that are not all returns, whatever the filters. */
  readonly returning_customers: number;
}

/** What the same row was earlier. A comparison that is not covered by the data, or makes no sense for a row, is absent. */
export type Earlier = { readonly [Name in ComparisonName]?: Pick<Figures, "revenue" | "profit"> };

export interface Named extends Figures {
  readonly name: string;
  /** One product, region… by name; the lines without one; or all beyond the first. Together they are every line. */
  readonly role: "one" | "none" | "other";
  readonly exact: ExactSums;
  readonly earlier: Earlier;
}

export interface Period extends Named, Span {
  /** Cut at an end of the report; its name says so. */
  readonly part: "whole" | "partial";
}

export type Comparison = Span & { readonly name: ComparisonName } & (
    | { readonly coverage: "covered"; readonly totals: Figures; readonly exact: ExactSums }
    | { readonly coverage: "not_covered" }
  );

export interface Summary {
  readonly unit: PeriodUnit;
  readonly totals: Totals;
  readonly exact: ExactSums & { readonly returned_revenue: string; readonly average_order: string };
  readonly comparisons: readonly Comparison[];
  /** First and last day of all the data, whatever the period; null without an order. */
  readonly data: { readonly first: string; readonly last: string } | null;
  /** Decimals that lines have: of quantities as many as the data, of amounts at least the currency's. */
  readonly decimals: { readonly quantity: number; readonly revenue: number };
  /** Every period from start to end; without sales its figures are zero. */
  readonly periods: readonly Period[];
  /**
   * Most revenue first, then the lines without one and all beyond the first, where there are such: each table adds up
   * to the totals in lines, units, revenue and profit. An order of two products is in two rows.
   */
  readonly categories: readonly Named[];
  /** Empty where the data has none, like countries. */
  readonly regions: readonly Named[];
  readonly countries: readonly Named[];
  readonly products: readonly Named[];
  readonly customers: readonly Named[];
}

/** The exact sums as columns beside the figures, the way DuckDB gives them. */
export type WithExact = Readonly<Record<`${keyof ExactSums}_exact`, string>>;

export function withExact<Row extends WithExact>(row: Row): Omit<Row, keyof WithExact> & { readonly exact: ExactSums } {
  const { units_exact, revenue_exact, profit_exact, ...rest } = row;
  return { ...rest, exact: { units: units_exact, revenue: revenue_exact, profit: profit_exact } };
}
