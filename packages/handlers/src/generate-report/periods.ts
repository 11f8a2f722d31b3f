/**
 * The rows of a report's table of periods: days, weeks, months, quarters or years, cut at the ends of the report. Weeks
 * begin on the mapping's day, quarters and years in its month. Days are ISO dates and counted in UTC, where each has
 * 24 hours: no time zone of a server takes part.
 */
import { daysBetween, type ReportInput } from "./input.ts";
import type { Labels } from "./locale/labels.ts";
import { WEEKDAYS, type ReportSettings } from "./settings.ts";

export type PeriodUnit = "day" | "week" | "month" | "quarter" | "year";
export type Calendar = Pick<ReportSettings, "first_day_of_week" | "fiscal_year_start">;

/** First and last day, both included. */
export interface Span {
  readonly start: string;
  readonly end: string;
}

export interface PeriodSpan extends Span {
  /** The day the whole period begins, which may lie before the report. */
  readonly begins: string;
  /** Cut at an end of the report: a part of a month is not a bad month. */
  readonly part: "whole" | "partial";
}

/** Longest custom report shown by day, by month and by quarter: about as many rows as a page takes. */
const MAX_BY_DAY = 45;
const MAX_BY_MONTH = 3 * 366;
const MAX_BY_QUARTER = 10 * 366;
const DAY_MS = 86_400_000;
const UNITS = { weekly: "week", monthly: "month", quarterly: "quarter", annual: "year" } as const;
const MONTHS_OF = { month: 1, quarter: 3, year: 12 } as const;

export function periodUnit({
  report_type,
  start_date,
  end_date,
}: Pick<ReportInput, "report_type" | "start_date" | "end_date">): PeriodUnit {
  if (report_type !== "custom") return UNITS[report_type];
  const days = daysBetween(start_date, end_date);
  if (days <= MAX_BY_DAY) return "day";
  if (days <= MAX_BY_MONTH) return "month";
  return days <= MAX_BY_QUARTER ? "quarter" : "year";
}

export const addDays = (day: string, days: number): string => isoOf(new Date(Date.parse(day) + days * DAY_MS));

/** The first of the month that lies `months` after that of a day. */
export function monthStart(day: string, months = 0): string {
  const [year = 0, month = 1] = day.split("-").map(Number);
  return isoOf(new Date(Date.UTC(year, month - 1 + months, 1)));
}

const isoOf = (date: Date): string => date.toISOString().slice(0, 10);

/** Every period that shares a day with the report. */
export function periodsIn(unit: PeriodUnit, { start, end }: Span, calendar: Calendar): readonly PeriodSpan[] {
  const periods: PeriodSpan[] = [];
  for (let begins = beginOf(unit, start, calendar); begins <= end;) {
    const next = unit === "day" || unit === "week" ? addDays(begins, unit === "day" ? 1 : 7) : monthStart(begins, MONTHS_OF[unit]);
    const last = addDays(next, -1);
    const part = begins < start || last > end ? "partial" : "whole";
    periods.push({ begins, part, start: begins < start ? start : begins, end: last > end ? end : last });
    begins = next;
  }
  return periods;
}

/** Monday is 0. */
const weekdayOf = (day: string): number => (new Date(day).getUTCDay() + 6) % 7;

function beginOf(unit: PeriodUnit, day: string, { first_day_of_week, fiscal_year_start }: Calendar): string {
  if (unit === "day") return day;
  if (unit === "week") return addDays(day, -((weekdayOf(day) - WEEKDAYS.indexOf(first_day_of_week) + 7) % 7));
  const month = Number(day.slice(5, 7)) - fiscal_year_start + 12;
  return monthStart(day, -(month % MONTHS_OF[unit]));
}

/** The day on which the period of a DATE column begins, as SQL. */
export function beginSql(unit: PeriodUnit, column: string, { first_day_of_week, fiscal_year_start }: Calendar): string {
  const shift = unit === "week" ? `INTERVAL ${WEEKDAYS.indexOf(first_day_of_week)} DAY` : `INTERVAL ${fiscal_year_start - 1} MONTH`;
  return `(date_trunc('${unit}', ${column}${unit === "day" ? "" : ` - ${shift}`})${unit === "day" ? "" : ` + ${shift}`})::DATE`;
}

/** A day in the language of the report: "2 Jan 2024", "2. Jan. 2024", "2024年1月2日". */
export function dayName(day: string, { tag }: Labels): string {
  // British order with American months: "Sep" where Britain has "Sept".
  if (tag === "en") return `${Number(day.slice(8))} ${monthName(day, tag)}`;
  return new Intl.DateTimeFormat(tag, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }).format(new Date(day));
}

const monthName = (day: string, tag: string): string =>
  new Intl.DateTimeFormat(tag === "en" ? "en-US" : tag, { month: "short", year: "numeric", timeZone: "UTC" }).format(new Date(day));

/** The name of the period that begins on a day: "Jan 2024", "Week of 1 Jan 2024", "Q1 2024", "FY 2024/25". */
export function periodName(unit: PeriodUnit, begins: string, labels: Labels, calendar: Calendar): string {
  if (unit === "day") return dayName(begins, labels);
  if (unit === "week") return labels.weekOf(dayName(begins, labels));
  if (unit === "month") return monthName(begins, labels.tag);
  const year = yearName(begins, labels, calendar);
  const month = Number(begins.slice(5, 7)) - calendar.fiscal_year_start + 12;
  return unit === "year" ? year : labels.quarter(Math.floor((month % 12) / 3) + 1, year);
}

/** A fiscal year that is not the calendar's is named by both of its years. */
function yearName(begins: string, labels: Labels, { fiscal_year_start }: Calendar): string {
  const year = Number(begins.slice(0, 4));
  if (fiscal_year_start === 1) return String(year);
  const first = Number(begins.slice(5, 7)) < fiscal_year_start ? year - 1 : year;
  return labels.fiscalYear(`${first}/${String((first + 1) % 100).padStart(2, "0")}`);
}

/** "1 Jan 2024 to 31 Dec 2024". */
export const spanName = (start: string, end: string, labels: Labels): string => labels.span(dayName(start, labels), dayName(end, labels));
