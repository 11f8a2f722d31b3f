/** The rows of a table, broken into lines and placed across the page; printing one puts it where the paper is. */
import type { Typesetter } from "../text/typesetter.ts";
import { GAP, type Column, type ColumnPlan } from "./column-plan.ts";
import type { Paper } from "./paper.ts";

interface Cell {
  readonly lines: readonly string[];
  /** Left edge of texts, right edge of numbers. */
  readonly x: number;
  readonly right: boolean;
  readonly colour: string;
  /** Lines above the first: those of a name that has lines of its own; in a header, so that titles end on one line. */
  readonly above: number;
}

export interface Row {
  readonly cells: readonly Cell[];
  readonly height: number;
  readonly bold: boolean;
}

export interface RowSetter {
  header(): Row;
  row(cells: readonly string[], bold: boolean): Row;
}

/** Above the first line of a row, and below its last. */
const PADDING = 2.5;
const HEADER_LINES = 3;
const lineHeight = (size: number): number => size * 1.42;

const rowHeight = (lines: number, size: number): number => lines * lineHeight(size) + 2 * PADDING;

export function createRowSetter(paper: Paper, columns: readonly Column[], plan: ColumnPlan & { readonly maxLines: number }): RowSetter {
  const { type } = paper;
  const { size, widths, shape, maxLines } = plan;
  const inRow = shape === "named" ? 1 : 0;
  const lefts = widths.map((_, index) => paper.left + (index < inRow ? 0 : widths.slice(inRow, index).reduce((sum, one) => sum + one, 0)));
  const set = (texts: readonly string[], bold: boolean, header: boolean): Row => {
    const broken = columns.map(({ kind }, index) => {
      const width = (widths[index] ?? 0) - GAP;
      return linesIn(type, texts[index] ?? "", {
        kind: header ? "text" : kind,
        width,
        size,
        bold,
        maxLines: header ? HEADER_LINES : maxLines,
      });
    });
    const above = inRow === 1 ? (broken[0]?.length ?? 0) : 0;
    const cells = broken.map((lines, index): Cell => {
      const right = columns[index]?.kind === "number";
      const x = (lefts[index] ?? 0) + (right ? (widths[index] ?? 0) - GAP / 2 : GAP / 2);
      const negative = right && !header && /^[-−(]/.test(lines[0] ?? "");
      const colour = header || bold ? paper.colours.ink : paper.colours.text;
      return { lines, x, right, colour: negative ? paper.colours.negative : colour, above: index < inRow ? 0 : above };
    });
    const most = Math.max(...cells.map(({ lines, above: before }) => before + lines.length), 1);
    // Titles end on one line; that of a name which has a line of its own stands above them.
    const aboveTitle = (cell: Cell, index: number): number => (index < inRow ? 0 : most - cell.lines.length);
    if (header)
      return { cells: cells.map((cell, index) => ({ ...cell, above: aboveTitle(cell, index) })), height: rowHeight(most, size), bold };
    return { cells, height: rowHeight(most, size), bold };
  };
  return {
    header: () =>
      set(
        columns.map(({ title }) => title),
        true,
        true,
      ),
    row: (cells, bold) => set(cells, bold, false),
  };
}

interface InCell {
  readonly kind: Column["kind"];
  readonly width: number;
  readonly size: number;
  readonly bold: boolean;
  readonly maxLines: number;
}

function linesIn(type: Typesetter, text: string, { kind, width, size, bold, maxLines }: InCell): readonly string[] {
  if (text === "") return [];
  if (kind === "text") return type.lines(text, { size, bold }, { width, maxLines });
  return [kind === "number" ? text : type.fit(text, { size, bold }, { width, inside: true })];
}

/** `role`: what each cell is; "artifact" for a header that was read before. */
export function printRow(
  paper: Paper,
  { cells, height, bold }: Row,
  { size, role }: { size: number; role: "TH" | "TD" | "artifact" },
): void {
  const top = paper.y + PADDING;
  for (const [index, { lines, x, right, colour, above }] of cells.entries()) {
    const draw = (): void => {
      for (const [number, line] of lines.entries()) {
        const y = top + (above + number) * lineHeight(size) + size * 1.06;
        paper.type.print(line, { size, bold, colour }, { x, y, align: right ? "right" : "left" });
      }
    };
    if (role === "artifact") draw();
    else if (role === "TH") paper.tagged("TH", draw, { scope: "Column" });
    else if (index === 0) paper.tagged("TH", draw, { scope: "Row" });
    else paper.tagged("TD", draw);
  }
  paper.y += height;
}
