/** Which of a workbook's styles show a number as a date: Excel stores days since 1900 (or 1904), and nothing else tells. */
import type { Elements } from "./elements.ts";

/** Built-in formats that show a day. Times of day and durations stay numbers. */
const BUILT_IN_DATES = new Set([14, 15, 16, 17, 22, 27, 28, 29, 30, 31, 34, 35, 36, 50, 51, 52, 53, 54, 57, 58]);

/** Days and years outside of quoted texts, colours and conditions. */
export function showsDay(code: string): boolean {
  const [positive = ""] = code.split(";");
  const bare = positive
    .replaceAll(/"[^"]*"/g, "")
    .replaceAll(/\[[^\][]*\]/g, "")
    .replaceAll(/[\\_*]./g, "")
    .toLowerCase();
  return !bare.includes("general") && (bare.includes("d") || bare.includes("y"));
}

/** Reads xl/styles.xml; answers by the index that cells give. */
export function cellFormats(): Elements & { readonly isDate: readonly boolean[] } {
  const own = new Map<number, boolean>();
  const isDate: boolean[] = [];
  let inside = false;
  return {
    isDate,
    open(name, attributes) {
      if (name === "cellXfs") inside = true;
      else if (name === "numFmt") own.set(Number(attributes.numFmtId), showsDay(attributes.formatCode ?? ""));
      else if (inside && name === "xf") {
        const format = Number(attributes.numFmtId ?? 0);
        isDate.push(own.get(format) ?? BUILT_IN_DATES.has(format));
      }
    },
    close(name) {
      if (name === "cellXfs") inside = false;
    },
  };
}

const MS_PER_DAY = 86_400_000;
/** 1970-01-01 as Excel counts. */
const EPOCH_1900 = 25_569;
const EPOCH_1904 = 24_107;
/** Excel's 29th of February 1900, a day that never was: before it, days count one less. */
const LEAP_DAY = 60;

/** An ISO day or moment, without a zone as Excel has none; undefined for what is no day of Excel's. */
export function isoOf(serial: number, is1904: boolean): string | undefined {
  const days = serial - (is1904 ? EPOCH_1904 : EPOCH_1900) + (!is1904 && serial < LEAP_DAY ? 1 : 0);
  if (serial < 0 || serial >= 2_958_466) return undefined;
  const moment = new Date(Math.round(days * MS_PER_DAY)).toISOString();
  const [day, time] = [moment.slice(0, 10), moment.slice(11, 23)];
  if (time === "00:00:00.000") return day;
  return `${day} ${time.endsWith(".000") ? time.slice(0, 8) : time}`;
}
