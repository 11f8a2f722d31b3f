/** What was found out about a file, or could not be kept of it, as warnings. `setting` is where a person says otherwise. */
import type { Warning } from "../warnings.ts";
import type { SheetCounts } from "./xlsx/sheet-rows.ts";

export function encodingWarning(name: string, encoding: string, setting: string): readonly Warning[] {
  if (encoding === "utf-8") return [];
  const message = `"${name}" is not UTF-8 and was read as ${encoding}, which it looks like; if letters are wrong, set ${setting}.`;
  return [{ kind: "guessed_encoding", message }];
}

export interface FoundSheet extends Readonly<SheetCounts> {
  readonly sheet: string;
  readonly sheets: number;
  /** Cells with a value to the right of the last name. */
  readonly beyond: number;
}

export function workbookWarnings(
  name: string,
  { sheet, sheets, beyond, errors, uncalculated, rounded }: FoundSheet,
  setting: string,
): readonly Warning[] {
  const told: [number, string][] = [
    [errors, "show an error such as #N/A, and count as missing"],
    [uncalculated, "hold a formula that nothing has calculated, and count as missing: open the workbook, and save it"],
    [rounded, "hold numbers of more than 15 digits, of which Excel has kept 15: format such columns as text before they are filled"],
    [beyond, "are to the right of the last name, and were left out"],
  ];
  const cells = told.flatMap(([number, what]): Warning[] =>
    number === 0 ? [] : [{ kind: "workbook_cells", message: `Cells of sheet "${sheet}" of "${name}" ${what}.`, count: number }],
  );
  if (sheets === 1) return cells;
  const message = `Sheet "${sheet}" of "${name}" was read; it has ${sheets - 1} more (${setting}).`;
  return [{ kind: "other_sheets", message, count: sheets - 1 }, ...cells];
}
