/**
 * Native charts of the summary (DrawingML, ECMA-376 part 1, 21): bars over the cells of the tables beside them, so that
 * whoever changes a figure sees it. The figures are stored with them as well, for readers that do not calculate.
 */
import type { Named } from "../figures.ts";
import { chartPart, DRAWING_PART, quoted, type Part } from "./workbook-parts.ts";
import { DECLARATION, OFFICE } from "./names.ts";
import { escapeXml } from "./xml.ts";

const CHART = "http://schemas.openxmlformats.org/drawingml/2006/chart";
const DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main";
const SHEET_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing";

export interface Chart {
  readonly title: string;
  /** Upright bars for what follows in time, lying ones for a ranking. */
  readonly bars: "upright" | "lying";
  readonly rows: readonly Named[];
  /** The row of the sheet that the first of them stands in. */
  readonly firstRow: number;
  /** Column of the revenue. */
  readonly column: string;
  readonly header: string;
  /** Corners on the sheet, as 0-based column and row. */
  readonly from: readonly [column: number, row: number];
  readonly to: readonly [column: number, row: number];
}

export interface Look {
  readonly sheet: string;
  /** RRGGBB. */
  readonly colour: string;
  readonly format: string;
}

export function chartParts(charts: readonly Chart[], look: Look): readonly Part[] {
  if (charts.length === 0) return [];
  const anchors = charts.map((chart, index) => anchorXml(chart, index + 1));
  const drawing = `${DECLARATION}<xdr:wsDr xmlns:xdr="${SHEET_DRAWING}" xmlns:a="${DRAWING}">${anchors.join("")}</xdr:wsDr>`;
  return [[DRAWING_PART, drawing], ...charts.map((chart, index): Part => [chartPart(index + 1), chartXml(chart, look)])];
}

function anchorXml({ title, from, to }: Chart, number: number): string {
  const corner = (name: string, [column, row]: readonly [number, number]): string =>
    `<xdr:${name}><xdr:col>${column}</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>${row}</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:${name}>`;
  return (
    `<xdr:twoCellAnchor>${corner("from", from)}${corner("to", to)}<xdr:graphicFrame macro=""><xdr:nvGraphicFramePr>` +
    `<xdr:cNvPr id="${number + 1}" name="${escapeXml(title)}" descr="${escapeXml(title)}"/><xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr>` +
    `<xdr:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/></xdr:xfrm><a:graphic><a:graphicData uri="${CHART}">` +
    `<c:chart xmlns:c="${CHART}" xmlns:r="${OFFICE}" r:id="rId${number}"/></a:graphicData></a:graphic></xdr:graphicFrame><xdr:clientData/></xdr:twoCellAnchor>`
  );
}

function chartXml({ title, bars, rows, firstRow, column, header }: Chart, { sheet, colour, format }: Look): string {
  const range = (letter: string, from: number, to = from): string =>
    `${quoted(sheet)}!$${letter}$${from}${to === from ? "" : `:$${letter}$${to}`}`;
  const lastRow = firstRow + rows.length - 1;
  const points = (values: readonly (string | number)[]): string =>
    `<c:ptCount val="${values.length}"/>${values.map((value, index) => `<c:pt idx="${index}"><c:v>${typeof value === "number" ? value : escapeXml(value)}</c:v></c:pt>`).join("")}`;
  const fill = `<c:spPr><a:solidFill><a:srgbClr val="${colour}"/></a:solidFill></c:spPr>`;
  const series =
    `<c:ser><c:idx val="0"/><c:order val="0"/><c:tx><c:strRef><c:f>${range(column, firstRow - 1)}</c:f><c:strCache>${points([header])}</c:strCache></c:strRef></c:tx>${fill}<c:invertIfNegative val="0"/>` +
    `<c:cat><c:strRef><c:f>${range("A", firstRow, lastRow)}</c:f><c:strCache>${points(rows.map(({ name }) => name))}</c:strCache></c:strRef></c:cat>` +
    `<c:val><c:numRef><c:f>${range(column, firstRow, lastRow)}</c:f><c:numCache><c:formatCode>${format}</c:formatCode>${points(rows.map(({ revenue }) => revenue))}</c:numCache></c:numRef></c:val></c:ser>`;
  const direction = bars === "upright" ? "col" : "bar";
  const text = (size: number, bold = 0): string => `<a:defRPr sz="${size}" b="${bold}"/>`;
  const small = `<c:txPr><a:bodyPr/><a:lstStyle/><a:p><a:pPr>${text(800)}</a:pPr><a:endParaRPr lang="en-US"/></a:p></c:txPr>`;
  const line = (rgb: string): string => `<c:spPr><a:ln w="6350"><a:solidFill><a:srgbClr val="${rgb}"/></a:solidFill></a:ln></c:spPr>`;
  return (
    `${DECLARATION}<c:chartSpace xmlns:c="${CHART}" xmlns:a="${DRAWING}" xmlns:r="${OFFICE}"><c:roundedCorners val="0"/><c:chart>` +
    `<c:title><c:tx><c:rich><a:bodyPr/><a:lstStyle/><a:p><a:pPr>${text(1100, 1)}</a:pPr><a:r><a:rPr lang="en-US" sz="1100" b="1"/><a:t>${escapeXml(title)}</a:t></a:r></a:p></c:rich></c:tx><c:overlay val="0"/></c:title>` +
    `<c:autoTitleDeleted val="0"/><c:plotArea><c:layout/><c:barChart><c:barDir val="${direction}"/><c:grouping val="clustered"/><c:varyColors val="0"/>${series}` +
    `<c:gapWidth val="60"/><c:axId val="1"/><c:axId val="2"/></c:barChart>` +
    `<c:catAx><c:axId val="1"/><c:scaling><c:orientation val="${bars === "upright" ? "minMax" : "maxMin"}"/></c:scaling><c:delete val="0"/><c:axPos val="${bars === "upright" ? "b" : "l"}"/>` +
    `<c:numFmt formatCode="General" sourceLinked="0"/><c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="low"/>${line("D5DDE3")}${small}<c:crossAx val="2"/><c:crosses val="autoZero"/></c:catAx>` +
    `<c:valAx><c:axId val="2"/><c:scaling><c:orientation val="minMax"/></c:scaling><c:delete val="0"/><c:axPos val="${bars === "upright" ? "l" : "b"}"/><c:majorGridlines>${line("D5DDE3")}</c:majorGridlines>` +
    `<c:numFmt formatCode="#,##0" sourceLinked="0"/><c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/>${small}<c:crossAx val="1"/><c:crosses val="${bars === "upright" ? "autoZero" : "max"}"/></c:valAx>` +
    `</c:plotArea><c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart></c:chartSpace>`
  );
}
