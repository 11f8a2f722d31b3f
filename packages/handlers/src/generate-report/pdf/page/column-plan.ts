/**
 * How wide the columns of a table are, decided before anything is printed: numbers are never broken or cut, so they
 * get what the widest of them takes; texts share the rest, and wrap. Where numbers leave texts too little, the letters
 * become smaller, step by step; where that is not enough, each name gets a line of its own above its numbers.
 */
import type { TextStyle, Typesetter } from "../text/typesetter.ts";

export interface Column {
  readonly title: string;
  /** Numbers stand to the right and are printed whole; keys are shortened inside, texts wrap. */
  readonly kind: "text" | "key" | "number";
}

export interface ColumnPlan {
  /** "rows": a line for each row. "named": the first column above the others, across the table. */
  readonly shape: "rows" | "named";
  readonly size: number;
  readonly widths: readonly number[];
}

/** Between the letters of two columns, half on each side. */
export const GAP = 8;
/** A text column is not made narrower than this, in points at size 8. */
const LEAST_TEXT = 62;
/** Wider keys are shortened inside. */
const MOST_KEY = 104;
/** Letters never become smaller than this for the sake of texts. */
const SMALLEST = 6;

export interface TableContent {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  readonly size: number;
}

export function planColumns(type: Typesetter, { columns, rows, size }: TableContent, width: number): ColumnPlan {
  const natural = columns.map(({ title, kind }, index) => naturalWidth(type, { title, kind, cells: rows.map((row) => row[index] ?? "") }));
  const least = columns.map(({ kind, title }, index) =>
    kind === "text" ? Math.min(natural[index] ?? 0, Math.max(LEAST_TEXT / 8, widestWord(type, title))) : (natural[index] ?? 0),
  );
  for (let step = size; step >= SMALLEST; step -= 0.5) {
    const taken = columns.reduce((total, { kind }, index) => total + GAP + wanted(kind, least[index] ?? 0, step), 0);
    if (taken <= width) return { shape: "rows", size: step, widths: spread(columns, { natural, least, size: step, width }) };
  }
  const needed = columns.reduce((total, { kind }, index) => (index === 0 ? total : total + wanted(kind, least[index] ?? 0, 1)), 0);
  const gaps = GAP * (columns.length - 1);
  const fitting = Math.min(SMALLEST, (width - gaps) / needed);
  return { shape: "named", size: fitting, widths: [width, ...spreadNumbers(natural.slice(1), fitting, width)] };
}

const wanted = (kind: Column["kind"], unit: number, size: number): number =>
  kind === "key" ? Math.min(unit * size, MOST_KEY) : unit * size;

/** For letters of one point. Titles may wrap between words. */
function naturalWidth(type: Typesetter, { title, kind, cells }: { title: string; kind: Column["kind"]; cells: readonly string[] }): number {
  const unit: TextStyle = { size: 1 };
  // Totals are bold: a little is added rather than measuring every cell twice.
  const bold = kind === "number" ? 1.06 : 1;
  return Math.max(widestWord(type, title), ...chunkedMax(cells, (cell) => type.measure(cell, unit) * bold));
}

const widestWord = (type: Typesetter, title: string): number =>
  Math.max(...title.split(/\s+/).map((word) => type.measure(word, { size: 1, bold: true })));

/** One value: arguments of Math.max are limited in number. */
function chunkedMax(cells: readonly string[], measure: (cell: string) => number): readonly number[] {
  let most = 0;
  for (const cell of cells) most = Math.max(most, measure(cell));
  return [most];
}

interface Spreading {
  readonly natural: readonly number[];
  readonly least: readonly number[];
  readonly size: number;
  readonly width: number;
}

/** What numbers leave goes to the texts: to each what it lacks, in proportion; what nobody lacks, to the first. */
function spread(columns: readonly Column[], { natural, least, size, width }: Spreading): readonly number[] {
  const widths = columns.map(({ kind }, index) => wanted(kind, least[index] ?? 0, size));
  let left = width - GAP * columns.length - widths.reduce((total, one) => total + one, 0);
  const lacking = columns.map(({ kind }, index) =>
    kind === "text" ? Math.max(0, (natural[index] ?? 0) * size - (widths[index] ?? 0)) : 0,
  );
  const lack = lacking.reduce((total, one) => total + one, 0);
  const given = Math.min(left, lack);
  if (lack > 0) lacking.forEach((one, index) => (widths[index] = (widths[index] ?? 0) + (given * one) / lack));
  left -= given;
  // Alike between all columns: a table of few short columns would else have its numbers far from its names.
  return widths.map((one) => one + GAP + left / widths.length);
}

function spreadNumbers(units: readonly number[], size: number, width: number): readonly number[] {
  const widths = units.map((unit) => unit * size + GAP);
  const left = width - widths.reduce((total, one) => total + one, 0);
  return widths.map((one) => one + Math.max(0, left) / widths.length);
}
