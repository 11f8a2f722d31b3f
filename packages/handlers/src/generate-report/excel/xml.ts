/** XML as a workbook takes it: its names, its texts, its cells. */
import { STYLE, type Style } from "./styles.ts";

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
/** What XML 1.0 has no writing for: control characters, halves of pairs, U+FFFE and U+FFFF. */
const NO_XML = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

export const escapeXml = (text: string): string =>
  text.replaceAll(NO_XML, "").replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? "");

/** A text of a cell. `_x0041_` stands for A there (ECMA-376, 22.9.2.19): where it is meant as it is, its _ is written so too. */
export function cellText(text: string): string {
  const valid = text.replaceAll(NO_XML, "");
  return escapeXml(/_x[0-9A-Fa-f]{4}_/.test(valid) ? valid.replaceAll("_x", "_x005F_x") : valid);
}

/** The same as SQL, for a text without control characters. */
export function cellTextSql(text: string): string {
  const valid = `replace(replace(${text}, chr(65534), ''), chr(65535), '')`;
  const meant = `CASE WHEN contains(${valid}, '_x') AND regexp_matches(${valid}, '_x[0-9A-Fa-f]{4}_') THEN replace(${valid}, '_x', '_x005F_x') ELSE ${valid} END`;
  return `replace(replace(replace(${meant}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')`;
}

/** "A" for 0, "Z" for 25: no report has more columns. */
export const columnLetter = (index: number): string => String.fromCodePoint(65 + index);

/** A value with its style; a text is always written as text, so that none becomes a formula. A digit text keeps every digit. */
export interface Cell {
  readonly value: string | number | { readonly digits: string; readonly formula?: string } | undefined;
  readonly style: Style;
}

export function rowXml(number: number, cells: readonly Cell[]): string {
  const printed = cells.map(({ value, style }, index) => {
    const open = `<c r="${columnLetter(index)}${number}" s="${STYLE[style]}"`;
    if (value === undefined) return "";
    if (typeof value === "number") return `${open}><v>${value}</v></c>`;
    if (typeof value === "string") return `${open} t="inlineStr"><is><t xml:space="preserve">${cellText(value)}</t></is></c>`;
    return `${open}>${value.formula === undefined ? "" : `<f>${escapeXml(value.formula)}</f>`}<v>${value.digits}</v></c>`;
  });
  return `<row r="${number}">${printed.join("")}</row>`;
}

export const columnWidths = (widths: readonly number[]): string =>
  `<cols>${widths.map((width, index) => `<col min="${index + 1}" max="${index + 1}" width="${width}" customWidth="1"/>`).join("")}</cols>`;
