/** Workbooks for tests, part by part as Excel writes them. */
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";

const TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const relation = (id: string, kind: string, target: string): string =>
  `<Relationship Id="${id}" Type="${TYPES}/${kind}" Target="${target}"/>`;
const relations = (...all: readonly string[]): string =>
  `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${all.join("")}</Relationships>`;

export interface WorkbookParts {
  /** `<row>` elements of each sheet, by name. */
  readonly sheets: Readonly<Record<string, string>>;
  /** `<si>` elements. */
  readonly strings?: string;
  /** What is inside of `<styleSheet>`. */
  readonly styles?: string;
  readonly is1904?: boolean;
}

export async function writeWorkbook(path: string, { sheets, strings = "", styles = "", is1904 = false }: WorkbookParts): Promise<void> {
  const names = Object.keys(sheets);
  const parts: Record<string, string> = {
    "_rels/.rels": relations(relation("rId1", "officeDocument", "xl/workbook.xml")),
    "xl/workbook.xml": `<workbook xmlns:r="${TYPES}"><workbookPr date1904="${is1904 ? 1 : 0}"/><sheets>${names.map((name, at) => `<sheet name="${name}" sheetId="${at + 1}" r:id="s${at}"/>`).join("")}</sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": relations(
      ...names.map((_, at) => relation(`s${at}`, "worksheet", `worksheets/sheet${at + 1}.xml`)),
      relation("t", "sharedStrings", "/xl/sharedStrings.xml"),
      relation("u", "styles", "styles.xml"),
    ),
    "xl/sharedStrings.xml": `<sst>${strings}</sst>`,
    "xl/styles.xml": `<styleSheet>${styles}</styleSheet>`,
  };
  names.forEach(
    (name, at) => (parts[`xl/worksheets/sheet${at + 1}.xml`] = `<worksheet><sheetData>${sheets[name]}</sheetData></worksheet>`),
  );
  const zip = new ZipFile();
  for (const [name, text] of Object.entries(parts)) zip.addBuffer(Buffer.from(text), name);
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
}
