/** The fixed parts of a workbook (ECMA-376): its list of sheets, its relations, and the few styles a report uses. */

/** Styles by their index in `stylesXml`. */
export const STYLE = {
  plain: 0,
  date: 1,
  count: 2,
  money: 3,
  header: 4,
  title: 5,
  muted: 6,
  section: 7,
  percent: 8,
  headerRight: 9,
} as const;
type Style = keyof typeof STYLE;

const DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006";
const TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml";

export const WORKSHEET_OPEN = `${DECLARATION}<worksheet xmlns="${MAIN}">`;

/** Part name and content of everything but the sheets. */
export function workbookParts(sheets: readonly string[]): readonly (readonly [string, string])[] {
  const each = (print: (name: string, number: number) => string): string => sheets.map((name, index) => print(name, index + 1)).join("");
  return [
    [
      "[Content_Types].xml",
      `${DECLARATION}<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
        `<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${TYPES}.sheet.main+xml"/>` +
        `<Override PartName="/xl/styles.xml" ContentType="${TYPES}.styles+xml"/>` +
        `${each((_, n) => `<Override PartName="/${sheetPart(n)}" ContentType="${TYPES}.worksheet+xml"/>`)}</Types>`,
    ],
    [
      "_rels/.rels",
      `${DECLARATION}<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    ],
    [
      "xl/workbook.xml",
      `${DECLARATION}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets>` +
        `${each((name, n) => `<sheet name="${escapeXml(name)}" sheetId="${n}" r:id="rId${n}"/>`)}</sheets></workbook>`,
    ],
    [
      "xl/_rels/workbook.xml.rels",
      `${DECLARATION}<Relationships xmlns="${PACKAGE}/relationships">` +
        each((_, n) => `<Relationship Id="rId${n}" Type="${OFFICE}/worksheet" Target="worksheets/sheet${n}.xml"/>`) +
        `<Relationship Id="rId${sheets.length + 1}" Type="${OFFICE}/styles" Target="styles.xml"/></Relationships>`,
    ],
    ["xl/styles.xml", stylesXml()],
  ];
}

export const sheetPart = (number: number): string => `xl/worksheets/sheet${number}.xml`;

function stylesXml(): string {
  const font = (size: number, more = ""): string => `<font>${more}<sz val="${size}"/><name val="Calibri"/><family val="2"/></font>`;
  const format = (numFmt: number, fontId = 0, fill = 0, right = false): string =>
    `<xf numFmtId="${numFmt}" fontId="${fontId}" fillId="${fill}" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1" applyFill="1"` +
    (right ? ' applyAlignment="1"><alignment horizontal="right"/></xf>' : "/>");
  const colour = (rgb: string): string => `<color rgb="FF${rgb}"/>`;
  // 3 is #,##0, 4 is #,##0.00, 10 is 0.00%: built in, shown in the reader's own locale.
  const formats = [
    format(0),
    format(164),
    format(3),
    format(4),
    format(0, 1, 2),
    format(0, 2),
    format(0, 3),
    format(0, 4),
    format(10),
    format(0, 1, 2, true),
  ];
  return (
    `${DECLARATION}<styleSheet xmlns="${MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>` +
    `<fonts count="5">${font(11)}${font(11, `<b/>${colour("FFFFFF")}`)}${font(18, `<b/>${colour("14324A")}`)}${font(11, colour("5B6B78"))}${font(13, `<b/>${colour("14324A")}`)}</fonts>` +
    `<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>` +
    `<fill><patternFill patternType="solid"><fgColor rgb="FF14324A"/><bgColor indexed="64"/></patternFill></fill></fills>` +
    `<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
    `<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
    `<cellXfs count="${formats.length}">${formats.join("")}</cellXfs>` +
    `<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`
  );
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
/** XML has no control characters but tab and the ends of lines, escaped or not: one would make the workbook unreadable. */
const escapeXml = (text: string): string =>
  text.replaceAll(/[^\P{Cc}\t\n\r]/gu, "").replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? "");

/** "A" for 0, "Z" for 25: no report has more columns. */
export const columnLetter = (index: number): string => String.fromCodePoint(65 + index);

/** A value with its style; a text is always written as text, so that none becomes a formula. */
export interface Cell {
  readonly value: string | number;
  readonly style: Style;
}

export function rowXml(number: number, cells: readonly Cell[]): string {
  const printed = cells.map(({ value, style }, index) => {
    const open = `<c r="${columnLetter(index)}${number}" s="${STYLE[style]}"`;
    return typeof value === "number" ? `${open}><v>${value}</v></c>` : `${open} t="inlineStr"><is><t>${escapeXml(value)}</t></is></c>`;
  });
  return `<row r="${number}">${printed.join("")}</row>`;
}

export const columnWidths = (widths: readonly number[]): string =>
  `<cols>${widths.map((width, index) => `<col min="${index + 1}" max="${index + 1}" width="${width}" customWidth="1"/>`).join("")}</cols>`;
