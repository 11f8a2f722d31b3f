/** The styles of a report's cells, by name, and the part of a workbook that holds them (ECMA-376, 18.8). */
import type { ReportFacts } from "../facts.ts";
import { DECLARATION, MAIN } from "./names.ts";

/** Styles by their index in the part. */
export const STYLE = {
  plain: 0,
  date: 1,
  count: 2,
  /** An amount of an order line. */
  money: 3,
  header: 4,
  title: 5,
  muted: 6,
  section: 7,
  percent: 8,
  headerRight: 9,
  /** An amount of a table. */
  sum: 10,
  quantity: 11,
  totalText: 12,
  totalCount: 13,
  totalQuantity: 14,
  totalSum: 15,
  totalPercent: 16,
  totalMoney: 17,
  wrapped: 18,
} as const;
export type Style = keyof typeof STYLE;

/** Fonts, fills and borders by their index below. */
const FONT = { plain: 0, header: 1, title: 2, muted: 3, section: 4, bold: 5 } as const;
const HEADER_FILL = 2;
const RULE_ABOVE = 1;
/** Formats of numbers of our own begin here; 3 is #,##0 and 10 is 0.00%, built in and shown in the reader's own locale. */
const OWN = { date: 164, money: 165, sum: 166, quantity: 167, percent: 168 } as const;
const COUNT_FORMAT = 3;

interface CellFormat {
  readonly numFmt?: number;
  readonly font?: number;
  readonly fill?: number;
  readonly border?: number;
  readonly align?: "right" | "wrap";
}

const FORMATS: Readonly<Record<Style, CellFormat>> = {
  plain: {},
  date: { numFmt: OWN.date },
  count: { numFmt: COUNT_FORMAT },
  money: { numFmt: OWN.money },
  header: { font: FONT.header, fill: HEADER_FILL },
  title: { font: FONT.title },
  muted: { font: FONT.muted },
  section: { font: FONT.section },
  percent: { numFmt: OWN.percent },
  headerRight: { font: FONT.header, fill: HEADER_FILL, align: "right" },
  sum: { numFmt: OWN.sum },
  quantity: { numFmt: OWN.quantity },
  totalText: { font: FONT.bold, border: RULE_ABOVE },
  totalCount: { numFmt: COUNT_FORMAT, font: FONT.bold, border: RULE_ABOVE },
  totalQuantity: { numFmt: OWN.quantity, font: FONT.bold, border: RULE_ABOVE },
  totalSum: { numFmt: OWN.sum, font: FONT.bold, border: RULE_ABOVE },
  totalPercent: { numFmt: OWN.percent, font: FONT.bold, border: RULE_ABOVE },
  totalMoney: { numFmt: OWN.money, font: FONT.bold, border: RULE_ABOVE },
  wrapped: { align: "wrap" },
};

/** "#,##0.00" for two decimals. */
const decimalFormat = (decimals: number): string => (decimals === 0 ? "#,##0" : `#,##0.${"0".repeat(decimals)}`);

const primaryColour = ({ settings }: ReportFacts): string => (settings.colours.primary ?? "#14324A").slice(1).toUpperCase();
export const accentColour = ({ settings }: ReportFacts): string => (settings.colours.accent ?? "#1F6F8B").slice(1).toUpperCase();

export function stylesXml(facts: ReportFacts): string {
  const { moneyDecimals, summary } = facts;
  const primary = primaryColour(facts);
  const font = (size: number, more = ""): string => `<font>${more}<sz val="${size}"/><name val="Calibri"/><family val="2"/></font>`;
  const styled = (rgb: string, bold = "<b/>"): string => `${bold}<color rgb="FF${rgb}"/>`;
  const fonts = [
    font(11),
    font(11, styled("FFFFFF")),
    font(18, styled(primary)),
    font(11, styled("5B6B78", "")),
    font(13, styled(primary)),
    font(11, "<b/>"),
  ];
  const numbers = [
    [OWN.date, "yyyy\\-mm\\-dd"],
    [OWN.money, decimalFormat(Math.max(moneyDecimals, summary.decimals.revenue))],
    [OWN.sum, decimalFormat(moneyDecimals)],
    [OWN.quantity, decimalFormat(summary.decimals.quantity)],
    [OWN.percent, "0.0%"],
  ].map(([id, code]) => `<numFmt numFmtId="${id}" formatCode="${code}"/>`);
  const formats = Object.values(FORMATS).map(formatXml);
  const thin = (side: string, style = ""): string =>
    style === "" ? `<${side}/>` : `<${side} style="${style}"><color rgb="FF${primary}"/></${side}>`;
  const border = (top: string): string =>
    `<border>${thin("left")}${thin("right")}${thin("top", top)}${thin("bottom")}${thin("diagonal")}</border>`;
  return (
    `${DECLARATION}<styleSheet xmlns="${MAIN}"><numFmts count="${numbers.length}">${numbers.join("")}</numFmts>` +
    `<fonts count="${fonts.length}">${fonts.join("")}</fonts>` +
    `<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>` +
    `<fill><patternFill patternType="solid"><fgColor rgb="FF${primary}"/><bgColor indexed="64"/></patternFill></fill></fills>` +
    `<borders count="2">${border("")}${border("thin")}</borders>` +
    `<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
    `<cellXfs count="${formats.length}">${formats.join("")}</cellXfs>` +
    `<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`
  );
}

function formatXml({ numFmt = 0, font = 0, fill = 0, border = 0, align }: CellFormat): string {
  const open = `<xf numFmtId="${numFmt}" fontId="${font}" fillId="${fill}" borderId="${border}" xfId="0" applyNumberFormat="1" applyFont="1" applyFill="1" applyBorder="1"`;
  if (align === undefined) return `${open}/>`;
  const alignment = align === "right" ? 'horizontal="right"' : 'vertical="top" wrapText="1"';
  return `${open} applyAlignment="1"><alignment ${alignment}/></xf>`;
}
