/**
 * What DuckDB says of a CSV file it cannot read, as a person needs it: file, line, column, and what to write in the
 * mapping. Its own words go on with thirty lines of settings.
 */
import { basename } from "node:path";

const ON_LINE = "CSV Error on Line: ";
const FILE = "  file = ";
const COLUMN = 'Error when converting column "';
const STRING = 'Could not convert string "';

/** Undefined where the message is of something else than a line of a CSV file. */
export function csvTrouble(message: string): string | undefined {
  const lines = message.split("\n");
  const number = Number.parseInt(after(lines, ON_LINE) ?? "", 10);
  if (Number.isNaN(number)) return undefined;
  const file = lines.find((line) => line.startsWith(FILE))?.slice(FILE.length);
  const where = `line ${number.toLocaleString("en-US")} of ${file === undefined ? "a CSV file" : `"${basename(file)}"`}`;
  return `${where} ${whatOf(lines)}`;
}

function whatOf(lines: readonly string[]): string {
  const converting = lines.find((line) => line.startsWith(COLUMN));
  if (converting !== undefined) {
    const column = converting.slice(COLUMN.length, converting.indexOf('". ', COLUMN.length));
    const [from, to] = [converting.indexOf(STRING) + STRING.length, converting.lastIndexOf('" to ')];
    const type = converting.slice(to + '" to '.length).replaceAll("'", "");
    return `has ${JSON.stringify(converting.slice(from, to))} in column "${column}", which is no ${type}. Mend the cell, or have the column read as text, read_csv(…, types = {'${column}': 'VARCHAR'}), and say in the SELECT what it means.`;
  }
  const [, columns] =
    /^Expected Number of Columns: (\d+ Found: \d+)/.exec(lines.find((line) => line.startsWith("Expected Number")) ?? "") ?? [];
  if (columns !== undefined) {
    const [expected, found] = columns.split(" Found: ");
    return `has ${found} columns where ${expected} are expected. Put quotes around values that hold the delimiter, or name the delimiter: read_csv(…, delim = ';').`;
  }
  if (lines.some((line) => line.startsWith("Invalid unicode")))
    return "is not UTF-8. Save the file as UTF-8, or name its encoding: read_csv(…, encoding = 'windows-1252').";
  if (lines.some((line) => line.startsWith("Value with unterminated quote")))
    return "has a quote that nothing closes. Close it, or name the quote that the file uses: read_csv(…, quote = '…').";
  const reason = lines[lines.findIndex((line) => line.startsWith("Original Line:")) + 1] ?? "";
  return `cannot be read: ${reason.trim()}`;
}

const after = (lines: readonly string[], mark: string): string | undefined => {
  const [first = ""] = lines;
  const at = first.indexOf(mark);
  return at === -1 ? undefined : first.slice(at + mark.length);
};
