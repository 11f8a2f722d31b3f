/** The ways of writing numbers and days that are looked for, and what the request says of them. */
import type { NumberRules } from "./reading.ts";

/** Of data_source.config: what is given is not looked for. */
export interface WritingRules {
  readonly decimal?: "." | "," | undefined;
  readonly thousands?: string | undefined;
  readonly date_format?: string | undefined;
  readonly null_values?: readonly string[] | undefined;
}

/** Texts that mean nothing where a number, a moment or a category is due. In ids and classes they are what they say. */
export const NULL_TEXTS: readonly string[] = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"];
/** In classes, unless the request says otherwise. */
export const EMPTY: readonly string[] = [""];

/** Blanks of every width that groups are divided by, and the apostrophes of Switzerland. */
const BLANKS = " \u00A0\u202F\u2009'’";
export const GROUPED: NumberRules = { decimal: ".", thousands: `,${BLANKS}` };
export const EUROPEAN: NumberRules = { decimal: ",", thousands: `.${BLANKS}` };

/** The rules the request gives, if it does. Whichever of the two marks is given, the other is not it. */
export function givenNumbers({ decimal, thousands }: WritingRules): NumberRules | undefined {
  if (decimal === undefined && thousands === undefined) return undefined;
  const mark = decimal ?? (thousands === "." ? "," : ".");
  return { decimal: mark, thousands: thousands ?? (mark === "," ? EUROPEAN : GROUPED).thousands };
}

/** Formats of one way of writing days, with and without a time of day. */
export interface DateFamily {
  readonly formats: readonly string[];
  /** Day or month first, where the two may be mistaken for each other. */
  readonly order?: "day" | "month";
}

const TIMES = ["", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %H:%M:%S"];
const withTimes = (day: string): readonly string[] => (/%[HIMSpfcXTz]/.test(day) ? [day] : TIMES.map((time) => `${day}${time}`));
const family = (day: string, order?: DateFamily["order"]): DateFamily => ({ formats: withTimes(day), ...(order && { order }) });

/** The day is before the month wherever points are between them. */
const FAMILIES: readonly DateFamily[] = [
  family("%d.%m.%Y"),
  family("%d.%m.%y"),
  family("%d/%m/%Y", "day"),
  family("%m/%d/%Y", "month"),
  family("%d-%m-%Y", "day"),
  family("%m-%d-%Y", "month"),
  family("%d/%m/%y", "day"),
  family("%m/%d/%y", "month"),
  family("%d %b %Y"),
  family("%d %B %Y"),
  family("%d-%b-%Y"),
  family("%d-%b-%y"),
  family("%b %d, %Y"),
  family("%B %d, %Y"),
  family("%Y.%m.%d"),
];

export const dateFamilies = ({ date_format }: WritingRules): readonly DateFamily[] =>
  date_format === undefined ? FAMILIES : [family(date_format)];

/** What every text begins like that a format of strptime reads: digits, letters and signs in its order, as RE2 has it. */
export function likeDays(format: string): string {
  const pieces = format.match(/%-?.|[^%]/gs) ?? [];
  const patterns = pieces.map((piece) => {
    if (/^%-?[dmYyHIMSjf]$/.test(piece)) return "[-+]?[0-9]+";
    if (piece.startsWith("%")) return piece === "%%" ? "%" : "[^0-9]*.*";
    return /[A-Za-z0-9]/.test(piece) ? piece : /\s/.test(piece) ? "" : `\\x{${piece.codePointAt(0)!.toString(16)}}`;
  });
  return `(?i)^\\s*${patterns.join("\\s*")}`;
}
