/**
 * Numbers as the report's language writes them. Sums come as texts, with every decimal they have, and are printed from
 * those: a number holds some sixteen digits. What would round to zero and is not keeps its decimals, and no zero has a
 * minus.
 */
import { growthOf } from "../comparisons.ts";

export interface FormatOptions {
  /** Language of the report, as in "en". */
  readonly tag: string;
  readonly currency: string;
  /** Decimals of the currency's smallest coin. */
  readonly moneyDecimals: number;
}

/** A number, or its digits where it may have more of them than a number holds. */
type Exact = number | string;

export interface Formats {
  /** 1,234,567; with the decimals it has, up to `decimals`. */
  count(value: Exact, decimals?: number): string;
  /** €1,234,567.89 */
  money(value: Exact): string;
  /** 1,234,567.89, where the currency is said elsewhere. `decimals` where it is more than the currency has. */
  amount(value: Exact, decimals?: number): string;
  /** €1.23M, for headlines and bars. */
  shortMoney(value: number): string;
  /** €1.5M, for the round values of an axis. */
  axisMoney(value: number): string;
  /** 12.3%; of nothing, or of a loss, there is no part. */
  share(part: number, whole: number): string;
  /** +12.3%, of what was before; nothing where there is no sense in it. */
  growth(value: number, before: number | undefined): string;
}

/** Finest part of a sum: money is kept to four decimals, quantities to three. */
const FINEST = 4;
/** Beyond this, a part or a growth is not a figure to compare by. */
const MOST = 9.999;

export function formatsFor({ tag, currency, moneyDecimals }: FormatOptions): Formats {
  const signDisplay = "negative" as const;
  const number = (options: Intl.NumberFormatOptions): Intl.NumberFormat =>
    new Intl.NumberFormat(tag === "en" ? "en-US" : tag, { signDisplay, ...options });
  const style = { style: "currency", currency, currencyDisplay: hasOwnSign(currency) ? "narrowSymbol" : "code" } as const;
  const fixed = (decimals: number): Intl.NumberFormatOptions => ({ minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  const counts = kept((decimals) => number({ maximumFractionDigits: decimals }));
  const amounts = kept((decimals) => number(fixed(decimals)));
  const money = number({ ...style, ...fixed(moneyDecimals) });
  const fineMoney = number({ ...style, minimumFractionDigits: moneyDecimals, maximumFractionDigits: FINEST });
  const short = number({ ...style, notation: "compact", minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
  const axis = number({ ...style, notation: "compact", maximumSignificantDigits: 3 });
  const percent = number({ style: "percent", ...fixed(1) });
  const growth = number({ style: "percent", ...fixed(1), signDisplay: "exceptZero" });
  const print = (format: Intl.NumberFormat, value: Exact): string => format.format(value as number);
  const vanishes = (value: Exact, decimals: number): boolean => {
    const size = Math.abs(Number(value));
    return size > 0 && size < 0.5 * 10 ** -decimals;
  };
  return {
    count: (value, decimals = 0) => print(counts(vanishes(value, decimals) ? FINEST : decimals), value),
    money: (value) => print(vanishes(value, moneyDecimals) ? fineMoney : money, value),
    amount: (value, decimals = moneyDecimals) =>
      print(amounts(vanishes(value, decimals) ? FINEST : Math.max(decimals, moneyDecimals)), value),
    shortMoney: (value) => print(Math.abs(value) < 1_000 ? (vanishes(value, moneyDecimals) ? fineMoney : money) : short, value),
    axisMoney: (value) => print(axis, value),
    share: (part, whole) => (whole > 0 ? bounded(percent, part / whole) : NO_FIGURE),
    growth(value, before) {
      const change = growthOf(value, before);
      return change === undefined ? "" : bounded(growth, change);
    },
  };
}

const NO_FIGURE = "–";

function bounded(format: Intl.NumberFormat, part: number): string {
  if (part > MOST) return `>${format.format(MOST)}`;
  return part < -MOST ? `<${format.format(-MOST)}` : format.format(part);
}

function kept(make: (decimals: number) => Intl.NumberFormat): (decimals: number) => Intl.NumberFormat {
  const formats = new Map<number, Intl.NumberFormat>();
  return (decimals) => {
    const format = formats.get(decimals) ?? make(decimals);
    formats.set(decimals, format);
    return format;
  };
}

/** Signs that are nobody else's; a dollar or krone may be of many countries, and is named by its code. */
const hasOwnSign = (currency: string): boolean =>
  ["USD", "EUR", "GBP", "JPY", "INR", "ILS", "KRW", "TRY", "UAH", "VND", "THB"].includes(currency);
