/** The parts of a workbook beside its sheets (ECMA-376): the list of sheets, relations, properties. */
import type { ReportFacts } from "../facts.ts";
import { stylesXml } from "./styles.ts";
import { DECLARATION, MAIN, OFFICE, PACKAGE } from "./names.ts";
import { escapeXml } from "./xml.ts";

const TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml";
const DRAWINGS = "application/vnd.openxmlformats-officedocument";

export interface Workbook {
  readonly facts: ReportFacts;
  readonly sheets: readonly string[];
  /** Charts of the first sheet. */
  readonly charts: number;
}

export type Part = readonly [name: string, xml: string];

export const sheetPart = (number: number): string => `xl/worksheets/sheet${number}.xml`;
export const chartPart = (number: number): string => `xl/charts/chart${number}.xml`;
export const DRAWING_PART = "xl/drawings/drawing1.xml";

/** Everything but the sheets, the drawing and its charts. */
export function workbookParts({ facts, sheets, charts }: Workbook): readonly Part[] {
  const each = (print: (name: string, number: number) => string): string => sheets.map((name, index) => print(name, index + 1)).join("");
  const numbered = Array.from({ length: charts }, (_, index) => index + 1);
  const override = (part: string, type: string): string => `<Override PartName="/${part}" ContentType="${type}+xml"/>`;
  // Every page of a detail repeats its header.
  const titles = each((name, n) =>
    n === 1 ? "" : `<definedName name="_xlnm.Print_Titles" localSheetId="${n - 1}">${quoted(name)}!$1:$1</definedName>`,
  );
  return [
    [
      "[Content_Types].xml",
      `${DECLARATION}<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
        `<Default Extension="xml" ContentType="application/xml"/>${override("xl/workbook.xml", `${TYPES}.sheet.main`)}${override("xl/styles.xml", `${TYPES}.styles`)}` +
        `${override("docProps/core.xml", "application/vnd.openxmlformats-package.core-properties")}${override("docProps/app.xml", `${DRAWINGS}.extended-properties`)}` +
        each((_, n) => override(sheetPart(n), `${TYPES}.worksheet`)) +
        (charts > 0 ? override(DRAWING_PART, `${DRAWINGS}.drawing`) : "") +
        `${numbered.map((n) => override(chartPart(n), `${DRAWINGS}.drawingml.chart`)).join("")}</Types>`,
    ],
    [
      "_rels/.rels",
      relations([
        [`${OFFICE}/officeDocument`, "xl/workbook.xml"],
        [`${PACKAGE}/relationships/metadata/core-properties`, "docProps/core.xml"],
        [`${OFFICE}/extended-properties`, "docProps/app.xml"],
      ]),
    ],
    ["docProps/core.xml", coreXml(facts)],
    [
      "docProps/app.xml",
      `${DECLARATION}<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"><Application>Streamer</Application></Properties>`,
    ],
    [
      "xl/workbook.xml",
      `${DECLARATION}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets>` +
        `${each((name, n) => `<sheet name="${escapeXml(name)}" sheetId="${n}" r:id="rId${n}"/>`)}</sheets>` +
        `${titles === "" ? "" : `<definedNames>${titles}</definedNames>`}</workbook>`,
    ],
    [
      "xl/_rels/workbook.xml.rels",
      relations([
        ...sheets.map((_, index) => [`${OFFICE}/worksheet`, `worksheets/sheet${index + 1}.xml`] as const),
        [`${OFFICE}/styles`, "styles.xml"],
      ]),
    ],
    ["xl/styles.xml", stylesXml(facts)],
    ...(charts > 0
      ? ([
          ["xl/worksheets/_rels/sheet1.xml.rels", relations([[`${OFFICE}/drawing`, "../drawings/drawing1.xml"]])],
          ["xl/drawings/_rels/drawing1.xml.rels", relations(numbered.map((n) => [`${OFFICE}/chart`, `../charts/chart${n}.xml`] as const))],
        ] as const)
      : []),
  ];
}

/** Numbered rId1, rId2, … */
function relations(targets: readonly (readonly [type: string, target: string])[]): string {
  const each = targets.map(([type, target], index) => `<Relationship Id="rId${index + 1}" Type="${type}" Target="${target}"/>`);
  return `${DECLARATION}<Relationships xmlns="${PACKAGE}/relationships">${each.join("")}</Relationships>`;
}

/** A sheet's name as a formula writes it. */
export const quoted = (sheet: string): string => escapeXml(`'${sheet.replaceAll("'", "''")}'`);

function coreXml({ title, subtitle, generatedAt, labels }: ReportFacts): string {
  const stamp = `${generatedAt.slice(0, 19)}Z`;
  const time = (name: string): string => `<dcterms:${name} xsi:type="dcterms:W3CDTF">${stamp}</dcterms:${name}>`;
  return (
    `${DECLARATION}<cp:coreProperties xmlns:cp="${PACKAGE}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" ` +
    `xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
    `<dc:title>${escapeXml(title)}</dc:title><dc:subject>${escapeXml(subtitle)}</dc:subject><dc:creator>Streamer</dc:creator>` +
    `<dc:language>${labels.tag}</dc:language>${time("created")}${time("modified")}</cp:coreProperties>`
  );
}
