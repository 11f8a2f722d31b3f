/** The rows of a sheet as texts, cell by cell: numbers as Excel keeps them, days in ISO, the rest as it is written. */
import type { Elements } from "./elements.ts";
import { isoOf } from "./cell-formats.ts";
import { unescaped } from "./shared-strings.ts";

export interface SheetTerms {
  readonly strings: readonly string[];
  readonly isDate: readonly boolean[];
  readonly is1904: boolean;
  /** Cells of a row by their place; absent ones are empty. `row` is Excel's number. */
  readonly onRow: (cells: readonly (string | undefined)[], row: number) => void;
}

export interface SheetCounts {
  /** Cells that show #N/A and the like. */
  errors: number;
  /** Formulas that nothing has calculated yet. */
  uncalculated: number;
  /** Numbers of more than 15 digits: Excel has kept no more of them. */
  rounded: number;
}

/** A whole number from here on may have lost digits. */
const EXACT_BELOW = 1e15;

export function sheetRows({ strings, isDate, is1904, onRow }: SheetTerms): Elements & { readonly counts: SheetCounts } {
  const counts: SheetCounts = { errors: 0, uncalculated: 0, rounded: 0 };
  let cells: (string | undefined)[] = [];
  let row = 0;
  let place = -1;
  let type = "n";
  let style = 0;
  let value: string | undefined;
  let isFormula = false;
  let phonetic = false;
  let reading = false;

  function textOf(raw: string): string | undefined {
    switch (type) {
      case "s":
        return strings[Number(raw)];
      case "b":
        return raw === "1" ? "true" : "false";
      case "e":
        counts.errors += 1;
        return undefined;
      case "str":
      case "inlineStr":
        return unescaped(raw);
      case "d":
        return raw;
      default:
        return numberOf(raw);
    }
  }

  function numberOf(raw: string): string | undefined {
    const number = Number(raw);
    if (raw.trim() === "" || !Number.isFinite(number)) return raw === "" ? undefined : raw;
    const day = isDate[style] === true ? isoOf(number, is1904) : undefined;
    if (day !== undefined) return day;
    if (Math.abs(number) >= EXACT_BELOW && Number.isInteger(number)) counts.rounded += 1;
    return String(number);
  }

  return {
    counts,
    open(name, attributes) {
      if (name === "row") {
        cells = [];
        row = attributes.r === undefined ? row + 1 : Number(attributes.r);
        place = -1;
      } else if (name === "c") {
        place = attributes.r === undefined ? place + 1 : placeOf(attributes.r);
        type = attributes.t ?? "n";
        style = Number(attributes.s ?? 0);
        value = undefined;
        isFormula = false;
      } else if (name === "f") isFormula = true;
      else if (name === "rPh") phonetic = true;
      else if (name === "v" || (name === "t" && !phonetic)) {
        reading = true;
        value ??= "";
      }
    },
    text(part) {
      if (reading) value += part;
    },
    close(name) {
      if (name === "v" || name === "t") reading = false;
      else if (name === "rPh") phonetic = false;
      else if (name === "c") {
        if (value !== undefined) cells[place] = textOf(value);
        else if (isFormula) counts.uncalculated += 1;
      } else if (name === "row") onRow(cells, row);
    },
  };
}

const LETTERS = 26;
const A = "A".codePointAt(0)!;

/** "B7" is in place 1. */
export function placeOf(reference: string): number {
  let column = 0;
  for (const letter of reference) {
    const code = letter.codePointAt(0)! - A;
    if (code < 0 || code >= LETTERS) break;
    column = column * LETTERS + code + 1;
  }
  return column - 1;
}
