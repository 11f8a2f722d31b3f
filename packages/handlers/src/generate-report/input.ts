/**
 * What a report may be asked for. Everything is checked here that can be without opening the data; filter values are
 * checked against the data in filters.ts.
 */
import * as z from "zod";
import { LOCALES } from "./locale/locales.ts";

export const REPORT_FORMATS = ["pdf", "csv", "excel"] as const;
const REPORT_TYPES = ["weekly", "monthly", "quarterly", "annual", "custom"] as const;

/** Longest period of a report that is not custom, in days, both ends included: a leap year. */
export const MAX_DAYS = 366;
/** Longest custom period: a century. More is a slip of the keyboard, and the table of periods has to end somewhere. */
export const MAX_CUSTOM_DAYS = 36_525;
/** Values one filter may list: more than people pick by hand, and few enough to bind one by one. */
const MAX_FILTER_VALUES = 50;
/** Longest filter value, in characters. */
const MAX_VALUE_LENGTH = 200;

/** Before this day Excel numbers days differently from everyone else. */
const EARLIEST = "1900-03-01";
const day = z.iso
  .date("must be a calendar date written YYYY-MM-DD")
  .max(10)
  .refine((date) => date >= EARLIEST, `must not be before ${EARLIEST}`);
const value = z.string().min(1).max(MAX_VALUE_LENGTH);
const values = z
  .union([value, z.array(value).min(1).max(MAX_FILTER_VALUES)], `must be a text or a list of 1 to ${MAX_FILTER_VALUES} texts`)
  .transform((given) => (typeof given === "string" ? [given] : [...new Set(given)]));

const filters = z
  .strictObject({
    category: values.optional(),
    region: values.optional(),
    territory: values.optional(),
    country: values.optional(),
    product: values.optional(),
    customer: values.optional(),
  })
  .refine(({ region, territory }) => !region || !territory, {
    path: ["territory"],
    message: "is another name for region: give one of the two",
  })
  .transform(({ territory, ...rest }): Filters => ({ ...rest, ...(territory && { region: territory }) }));

export const FILTER_FIELDS = ["category", "region", "country", "product", "customer"] as const;
export type FilterField = (typeof FILTER_FIELDS)[number];
/** Values of one field are alternatives; fields must all match. */
export type Filters = { readonly [Field in FilterField]?: readonly string[] | undefined };

const datesAreReal = ({ value: payload }: { value: unknown }): boolean => {
  const { start_date, end_date } = (payload ?? {}) as Record<string, unknown>;
  return day.safeParse(start_date).success && day.safeParse(end_date).success;
};

export const reportInput = z
  .strictObject({
    start_date: day,
    end_date: day,
    format: z.enum(REPORT_FORMATS).default("pdf"),
    report_type: z.enum(REPORT_TYPES).default("monthly"),
    include_charts: z.boolean().default(true),
    /** Every order line, in PDF and Excel; a CSV is nothing else. */
    include_detail: z.boolean().default(true),
    /** Language of the report; else the mapping's. */
    locale: z.enum(LOCALES).optional(),
    filters: filters.default({}),
  })
  // `when`: reported beside other issues, as long as there are two dates to compare.
  .refine(({ start_date, end_date }) => start_date <= end_date, {
    path: ["end_date"],
    message: "must not be before start_date",
    when: datesAreReal,
  })
  .refine(({ start_date, end_date, report_type }) => daysBetween(start_date, end_date) <= maxDays(report_type), {
    path: ["end_date"],
    message: `the period is longer than ${MAX_DAYS} days (${MAX_CUSTOM_DAYS} with report_type custom)`,
    when: datesAreReal,
  });

export type ReportInput = z.output<typeof reportInput>;

const maxDays = (type: unknown): number => (type === "custom" ? MAX_CUSTOM_DAYS : MAX_DAYS);

/** Days from one ISO date to another, both included. */
export function daysBetween(start: string, end: string): number {
  return (Date.parse(end) - Date.parse(start)) / 86_400_000 + 1;
}
