/** The rows of a report's table of periods: days, months, quarters or years, cut at the ends of the report. */
import { daysBetween, type ReportInput } from "./input.ts";

export type PeriodUnit = "day" | "month" | "quarter" | "year";

/** Longest custom report shown by day, by month and by quarter: about as many rows as a page takes. */
const MAX_BY_DAY = 45;
const MAX_BY_MONTH = 3 * 366;
const MAX_BY_QUARTER = 10 * 366;

export function periodUnit({
  report_type,
  start_date,
  end_date,
}: Pick<ReportInput, "report_type" | "start_date" | "end_date">): PeriodUnit {
  if (report_type === "monthly") return "month";
  if (report_type === "quarterly") return "quarter";
  if (report_type === "annual") return "year";
  const days = daysBetween(start_date, end_date);
  if (days <= MAX_BY_DAY) return "day";
  if (days <= MAX_BY_MONTH) return "month";
  return days <= MAX_BY_QUARTER ? "quarter" : "year";
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** The name of the period that begins on an ISO date: "2 Jan 2024", "Jan 2024", "Q1 2024", "2024". */
export function periodName(unit: PeriodUnit, start: string): string {
  const [year = "", month = "1", dayOfMonth = "1"] = start.split("-");
  const name = MONTHS[Number(month) - 1] ?? "";
  if (unit === "day") return `${Number(dayOfMonth)} ${name} ${year}`;
  if (unit === "month") return `${name} ${year}`;
  return unit === "quarter" ? `Q${Math.ceil(Number(month) / 3)} ${year}` : year;
}

/** "1 Jan 2024 to 31 Dec 2024". */
export const spanName = (start: string, end: string): string => `${periodName("day", start)} to ${periodName("day", end)}`;
