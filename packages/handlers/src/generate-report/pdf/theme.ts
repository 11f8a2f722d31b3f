/** Colours, sizes and number formats of the PDF: one place, so that charts and tables look like one document. */
export const COLOUR = {
  ink: "#14324A",
  text: "#26333D",
  muted: "#5B6B78",
  rule: "#D5DDE3",
  band: "#F3F6F8",
  accent: "#1F6F8B",
  second: "#E08E45",
  negative: "#B3423A",
} as const;

/** A4 in points, and what its margins leave. */
export const MARGIN = 40;
export const CONTENT_WIDTH = 595.28 - 2 * MARGIN;

export interface Formats {
  /** 1,234,567 */
  count(value: number): string;
  /** €1,234,567.89 */
  money(value: number): string;
  /** €1.23M, for headlines and bars. */
  shortMoney(value: number): string;
  /** €1.5M, for the round values of an axis. */
  axisMoney(value: number): string;
  /** 12.3% */
  share(part: number, whole: number): string;
}

export function formatsFor(currency: string): Formats {
  const count = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
  const percent = new Intl.NumberFormat("en-US", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const style = { style: "currency", currency, currencyDisplay: symbolIsPrintable(currency) ? "narrowSymbol" : "code" } as const;
  const money = new Intl.NumberFormat("en-US", { ...style, minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const short = new Intl.NumberFormat("en-US", { ...style, notation: "compact", minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
  const axis = new Intl.NumberFormat("en-US", { ...style, notation: "compact", minimumFractionDigits: 0, maximumFractionDigits: 2 });
  return {
    count: (value) => count.format(value),
    money: (value) => money.format(value),
    shortMoney: (value) => (Math.abs(value) < 1_000 ? money : short).format(value),
    axisMoney: (value) => axis.format(value),
    share: (part, whole) => percent.format(whole === 0 ? 0 : part / whole),
  };
}

/** The embedded font has these signs; other currencies are named by their code. */
const symbolIsPrintable = (currency: string): boolean => ["USD", "EUR", "GBP"].includes(currency);
