/**
 * With what a report compares: the period before it, as long as itself, and the same days a year before. Whole months
 * are compared with as many whole months. Where both are the same, or the report is longer than a year, one is enough.
 * A period that the data does not cover is not compared with: half a year of sales would make any growth look good.
 */
import { MAX_DAYS, daysBetween, type ReportInput } from "./input.ts";
import { addDays, monthStart, type Span } from "./periods.ts";

export const COMPARISONS = ["previous", "year_before"] as const;
export type ComparisonName = (typeof COMPARISONS)[number];

export interface ComparedSpan extends Span {
  readonly name: ComparisonName;
}

/** Of a compared period, what may lie before the first order: shops do not sell every day. */
const UNCOVERED_SHARE = 0.05;

export function comparedSpans({ start_date: start, end_date: end }: Pick<ReportInput, "start_date" | "end_date">): readonly ComparedSpan[] {
  const previous = { name: "previous", ...spanBefore(start, end) } as const;
  if (daysBetween(start, end) > MAX_DAYS) return [previous];
  const yearBefore = { name: "year_before", start: yearEarlier(start, "first"), end: yearEarlier(end, "last") } as const;
  return previous.start === yearBefore.start && previous.end === yearBefore.end ? [yearBefore] : [previous, yearBefore];
}

function spanBefore(start: string, end: string): Span {
  const wholeMonths = start.endsWith("-01") && addDays(end, 1).endsWith("-01");
  if (!wholeMonths) return { start: addDays(start, -daysBetween(start, end)), end: addDays(start, -1) };
  const months = (day: string): number => Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7));
  return { start: monthStart(start, months(start) - months(end) - 1), end: addDays(start, -1) };
}

/** The same day a year before; the last day of a month stays the last, where it ends a period. */
export function yearEarlier(day: string, edge: "first" | "last"): string {
  const lastOfMonth = addDays(monthStart(monthStart(day, -12), 1), -1);
  if (edge === "last" && addDays(day, 1).endsWith("-01")) return lastOfMonth;
  const same = `${monthStart(day, -12).slice(0, 8)}${day.slice(8)}`;
  return same > lastOfMonth ? lastOfMonth : same;
}

/** Whether data that begins on a day says what a span was like. */
export function isCovered({ start, end }: Span, firstDay: string | null): boolean {
  if (firstDay === null || firstDay > end) return false;
  return firstDay <= start || daysBetween(start, firstDay) - 1 <= daysBetween(start, end) * UNCOVERED_SHARE;
}

/** Growth over an earlier figure; none over nothing or over a loss. */
export const growthOf = (now: number, before: number | undefined): number | undefined =>
  before === undefined || before <= 0 ? undefined : (now - before) / before;
