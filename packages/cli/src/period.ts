/** Which days to report on when nobody says: the last full year of the data, else its last full quarter, else all of it. */
import { coveredDays, type CoveredDays } from "@streamer/handlers";
import { usage } from "./exit.ts";
import type { Shop } from "./shop.ts";

export type Period = readonly [first: string, last: string];

export function lastFullPeriod({ first, last }: CoveredDays): Period {
  const next = dayAfter(last);
  const year = Number(next.slice(0, 4)) - 1;
  if (first <= `${year}-01-01`) return [`${year}-01-01`, `${year}-12-31`];
  // The quarter that `next` is in has not ended.
  const quarterStart = Math.floor((Number(next.slice(5, 7)) - 1) / 3) * 3;
  const start = isoDay(Number(next.slice(0, 4)), quarterStart - 3);
  if (first <= start) return [start, dayBefore(isoDay(Number(next.slice(0, 4)), quarterStart))];
  return [first, last];
}

/** The days that were asked for, or the last full period of the shop's data. */
export async function reportDays(shop: Shop, { start, end }: { readonly start?: string; readonly end?: string }): Promise<Period> {
  if (start !== undefined && end !== undefined) return [start, end];
  if (start !== undefined || end !== undefined) throw usage("Give both --start and --end, as YYYY-MM-DD, or neither.");
  const days = await coveredDays(shop.folder, shop.mappingFile).catch((error: unknown) => {
    throw usage(`The shop's files cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (!days) throw usage("The shop's files hold no order; there is nothing to report on.");
  return lastFullPeriod(days);
}

const DAY_MS = 86_400_000;
const isoDay = (year: number, month: number): string => new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 10);
const dayAfter = (day: string): string => new Date(Date.parse(day) + DAY_MS).toISOString().slice(0, 10);
const dayBefore = (day: string): string => new Date(Date.parse(day) - DAY_MS).toISOString().slice(0, 10);
