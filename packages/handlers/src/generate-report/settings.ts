/** What a mapping may say beside its sources: how a report counts days, which language it speaks and how it looks. */
import * as z from "zod";
import { LOCALES, type Locale } from "./locale/locales.ts";

export const WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;
type Weekday = (typeof WEEKDAYS)[number];
const PAGE_SIZES = ["A4", "Letter"] as const;

/** Longest name of a time zone or a file. */
const MAX_NAME = 200;

const timeZone = z.string().max(MAX_NAME).refine(isTimeZone, 'must be a time zone such as "Europe/Berlin" or "UTC"');
const colour = z.string().regex(/^#[0-9A-Fa-f]{6}$/, 'must be a colour such as "#1F6F8B"');

export const settingFields = {
  time_zone: timeZone.default("UTC"),
  locale: z.enum(LOCALES).default("en"),
  first_day_of_week: z.enum(WEEKDAYS).default("monday"),
  fiscal_year_start: z.int().min(1).max(12).default(1),
  page_size: z.enum(PAGE_SIZES).optional(),
  logo: z.string().min(1).max(MAX_NAME).optional(),
  colours: z.strictObject({ primary: colour.optional(), accent: colour.optional() }).default({}),
};

export interface ReportSettings {
  /** Where a stamp with an offset becomes a day. */
  readonly time_zone: string;
  readonly locale: Locale;
  readonly first_day_of_week: Weekday;
  /** Month, 1 to 12, in which quarters and years begin. */
  readonly fiscal_year_start: number;
  readonly page_size?: (typeof PAGE_SIZES)[number] | undefined;
  /** A picture in the data folder. */
  readonly logo?: string | undefined;
  readonly colours: { readonly primary?: string | undefined; readonly accent?: string | undefined };
}

function isTimeZone(name: string): boolean {
  try {
    return /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
