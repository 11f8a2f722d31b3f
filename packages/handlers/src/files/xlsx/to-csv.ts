/**
 * A sheet of an .xlsx workbook as a CSV file: its first row with a value names the columns, rows without a value are left
 * out. What cannot be kept as Excel shows it is counted.
 */
import { open, type FileHandle } from "node:fs/promises";
import { UnreadableFile } from "../unreadable.ts";
import { cellFormats } from "./cell-formats.ts";
import { isCompoundFile, openParts, type PackageTerms } from "./package-parts.ts";
import { sharedStrings } from "./shared-strings.ts";
import { sheetRows, type SheetCounts } from "./sheet-rows.ts";
import { readWorkbook, sheetOf } from "./workbook.ts";

export interface SheetFileTerms extends PackageTerms {
  /** Name, or number from 1. */
  readonly sheet: string | number;
  readonly target: string;
}

export interface SheetFile extends Readonly<SheetCounts> {
  readonly path: string;
  readonly sheet: string;
  readonly sheets: number;
  /** Cells with a value to the right of the last name. */
  readonly beyond: number;
}

/** Texts of a workbook are kept in memory while its cells are read. */
const MAX_CHARACTERS = 150_000_000;
/** Written at once. */
const BLOCK_CHARACTERS = 262_144;

export async function sheetToCsv(terms: SheetFileTerms): Promise<SheetFile> {
  await refuseOldForms(terms);
  await using parts = await openParts(terms);
  const workbook = await readWorkbook(parts, terms.name);
  const sheet = sheetOf(workbook, terms.sheet, terms.name);
  const texts = sharedStrings(terms.name, MAX_CHARACTERS);
  if (workbook.strings !== undefined && parts.has(workbook.strings)) await parts.read(workbook.strings, texts);
  const formats = cellFormats();
  if (workbook.styles !== undefined && parts.has(workbook.styles)) await parts.read(workbook.styles, formats);
  await using file = await open(terms.target, "w", 0o600);
  const table = csvTable(file, terms);
  const rows = sheetRows({ strings: texts.strings, isDate: formats.isDate, is1904: workbook.is1904, onRow: table.add });
  await parts.read(sheet.part, { ...rows, afterChunk: table.flush });
  await table.end();
  if (table.isEmpty) throw new UnreadableFile(`sheet "${sheet.name}" of "${terms.name}" is empty`, "sheet");
  return { path: terms.target, sheet: sheet.name, sheets: workbook.sheets.length, beyond: table.beyond, ...rows.counts };
}

async function refuseOldForms({ path, name }: SheetFileTerms): Promise<void> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(8), 0, 8, 0);
  if (isCompoundFile(buffer))
    throw new UnreadableFile(`"${name}" has a password, or is of the old .xls form; save it as .xlsx without one`);
}

const NEEDS_QUOTES = /[",\r\n]/;
const cellText = (text: string): string => (NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function csvTable(file: FileHandle, { name, maxBytes }: SheetFileTerms) {
  let width: number | undefined;
  let block = "";
  let left = maxBytes;
  let beyond = 0;
  const write = async (): Promise<void> => {
    const bytes = Buffer.from(block);
    block = "";
    left -= bytes.length;
    if (left < 0) throw new UnreadableFile(`"${name}" is more than ${maxBytes.toLocaleString("en-US")} bytes as CSV; split it`);
    await file.appendFile(bytes);
  };
  return {
    get isEmpty() {
      return width === undefined;
    },
    get beyond() {
      return beyond;
    },
    add(cells: readonly (string | undefined)[]): void {
      const last = cells.findLastIndex((cell) => cell !== undefined && cell !== "");
      if (last === -1) return;
      width ??= last + 1;
      for (let place = width; place <= last; place += 1) if ((cells[place] ?? "") !== "") beyond += 1;
      // A row of one empty cell would be an empty line, and none.
      block += `${Array.from({ length: width }, (_, place) => cellText(cells[place] ?? "")).join(",") || '""'}\n`;
    },
    flush: async (): Promise<void> => {
      if (block.length >= BLOCK_CHARACTERS) await write();
    },
    end: write,
  };
}
