/** Tables: numbers to the right, a rule under the header, a light band on every second row, the header on each page. */
import { planColumns, type Column } from "./column-plan.ts";
import type { Paper } from "./paper.ts";
import { createRowSetter, printRow, type Row } from "./rows.ts";

export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  /** Of the letters in points, where there is room. */
  readonly size: number;
  /** Lines that a text may take in one row. */
  readonly maxLines: number;
  /** The last row is a total: bold, under a rule, and never alone on a page. */
  readonly total?: boolean;
  /** How many rows are printed. */
  readonly printed?: (rows: number) => void;
}

export interface LaidOut {
  /** Points that the header takes, and the rows that stay with it. */
  readonly start: number;
  /** Points of the whole table where it is short enough to be kept on one page. */
  readonly height: number;
  print(): Promise<void>;
}

/** Longest table kept on one page, in rows. */
const KEPT_WHOLE = 16;
/** Rows that stay with the header, and so with the title above it. */
const KEPT_ROWS = 3;

/** Measures a table. It is printed where the paper is when `print` is called. */
export function layOut(paper: Paper, table: Table): LaidOut {
  const plan = planColumns(paper.type, table, paper.width);
  const { size } = plan;
  const setter = createRowSetter(paper, table.columns, { ...plan, maxLines: table.maxLines });
  const header = setter.header();
  const isTotal = (index: number): boolean => table.total === true && index === table.rows.length - 1;
  const rowAt = (index: number): Row => setter.row(table.rows[index] ?? [], isTotal(index));
  const heightOf = (rows: number): number => {
    let height = header.height;
    for (let index = 0; index < Math.min(rows, table.rows.length); index += 1) height += rowAt(index).height;
    return height;
  };
  const printHeader = (): void => {
    printRow(paper, header, { size, role: "artifact" });
  };
  const printRows = async (): Promise<void> => {
    await paper.group("TR", async () => printRow(paper, header, { size, role: "TH" }));
    rule(paper);
    for (const index of table.rows.keys()) {
      const row = rowAt(index);
      if (await paper.ensure(row.height + (isTotal(index + 1) ? rowAt(index + 1).height : 0))) {
        paper.artifact(printHeader);
        rule(paper);
      }
      if (isTotal(index)) rule(paper);
      else if (index % 2 === 1) band(paper, row.height);
      await paper.group("TR", async () => printRow(paper, row, { size, role: "TD" }));
      table.printed?.(index + 1);
    }
  };
  return {
    start: heightOf(table.rows.length <= KEPT_WHOLE ? KEPT_WHOLE : KEPT_ROWS),
    height: table.rows.length <= KEPT_WHOLE ? heightOf(KEPT_WHOLE) : Number.POSITIVE_INFINITY,
    print: () => paper.group("Table", printRows),
  };
}

function rule(paper: Paper): void {
  const { document, left, width, y } = paper;
  paper.artifact(
    () =>
      void document
        .moveTo(left, y)
        .lineTo(left + width, y)
        .lineWidth(0.8)
        .stroke(paper.colours.ink),
  );
}

function band(paper: Paper, height: number): void {
  const { document, left, width, y } = paper;
  paper.artifact(() => void document.rect(left, y, width, height).fill(paper.colours.band));
}
