/** Sheets of workbooks as CSV: every cell as Excel keeps it, and what cannot be kept counted. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tableFile, type TableFile } from "../../src/files/table-file.ts";
import { isoOf, showsDay } from "../../src/files/xlsx/cell-formats.ts";
import { placeOf } from "../../src/files/xlsx/sheet-rows.ts";
import { temporaryFolder } from "../generate-report/shops.ts";
import { writeWorkbook, type WorkbookParts } from "./workbooks.ts";

const never = new AbortController().signal;

async function read(workbook: WorkbookParts | Uint8Array, sheet?: string | number, maxBytes = 1_000_000) {
  const folder = await temporaryFolder();
  const path = join(folder, "t.xlsx");
  if (workbook instanceof Uint8Array) await writeFile(path, workbook);
  else await writeWorkbook(path, workbook);
  const found = await tableFile({ path, name: "t.xlsx", kind: "xlsx", sheet, folder, maxBytes, signal: never });
  return { found: found as TableFile & { kind: "xlsx" }, text: await readFile(found.path, "utf8") };
}

const STYLES = `<numFmts><numFmt numFmtId="164" formatCode="dd\\.mm\\.yyyy"/><numFmt numFmtId="165" formatCode="#,##0.00 &quot;day&quot;"/></numFmts>
  <cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="22"/></cellXfs>`;
const CELLS = `<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="inlineStr"><is><t>day</t></is></c><c r="C2" t="s"><v>1</v></c><c r="D2" t="str"><v>sum</v></c></row>
  <row r="3"/><row r="4"><c r="A4" t="s"><v>2</v></c><c r="B4" s="1"><v>45292</v></c><c r="C4"><v>0.1</v></c><c r="D4"><f>C4*2</f><v>0.2</v></c></row>
  <row r="5"><c r="A5" t="b"><v>1</v></c><c r="B5" s="2"><v>45293.5</v></c><c r="C5" t="e"><v>#N/A</v></c><c r="D5"><f>1+1</f></c></row>
  <row r="6"><c r="A6" t="s"><v>3</v></c><c r="B6" s="3"><v>7</v></c><c r="C6"><v>1.23456789012345E+19</v></c><c r="D6"><v>1E-3</v></c><c r="F6"><v>9</v></c></row>`;
const STRINGS = `<si><t>name</t></si><si><r><t>a, </t></r><r><t>"b"</t></r></si><si><t xml:space="preserve"> x
y </t><rPh><t>reading</t></rPh></si><si><t>a_x000D_b &amp; _x005F_c</t></si>`;

describe("a workbook", () => {
  it("becomes CSV: numbers and texts as they are, days in ISO, rows without a value left out", async () => {
    const { found, text } = await read({ sheets: { "Tab 1": CELLS, Other: "" }, strings: STRINGS, styles: STYLES });
    expect(text).toBe(
      `name,day,"a, ""b""",sum\n" x\ny ",2024-01-01,0.1,0.2\ntrue,2024-01-02 12:00:00,,\n"a\rb & _c",7,12345678901234500000,0.001\n`,
    );
    expect(found).toMatchObject({ sheet: "Tab 1", sheets: 2, errors: 1, uncalculated: 1, rounded: 1, beyond: 1 });
  });

  it("gives the sheet asked for, by name or number", async () => {
    const row = (value: number): string => `<row><c><v>${value}</v></c></row>`;
    const sheets = { One: row(1), Two: row(2), Void: "" };
    expect((await read({ sheets }, "Two")).text).toBe("2\n");
    expect((await read({ sheets }, 2)).text).toBe("2\n");
    await expect(read({ sheets }, "Three")).rejects.toThrow(/has no sheet "Three"; it has "One", "Two", "Void"/);
    await expect(read({ sheets }, "Void")).rejects.toThrow(/sheet "Void" of "t.xlsx" is empty/);
  });

  it("counts days from 1904 where it says so", async () => {
    const sheets = { One: '<row><c r="A1"><v>1</v></c></row><row><c r="A2" s="1"><v>43830</v></c></row>' };
    expect((await read({ sheets, styles: STYLES, is1904: true })).text).toBe("1\n2024-01-01\n");
  });

  it.each([
    ["no archive", Buffer.from("a,b\n1,2\n"), /"t.xlsx" is damaged, or no .xlsx workbook/],
    [
      "the old form, or a password",
      Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0, 0]),
      /has a password, or is of the old .xls form/,
    ],
    ["broken XML", { sheets: { One: "<row><c></row>" } }, /"t.xlsx" is damaged/],
  ])("is refused in words: %s", async (_, workbook, message) => {
    await expect(read(workbook as Buffer)).rejects.toThrow(message);
  });

  it("is refused where it is larger than it may be when unpacked", async () => {
    const sheets = { One: '<row><c t="str"><v>abcdefghij</v></c></row>'.repeat(50_000) };
    await expect(read({ sheets }, 1, 100_000)).rejects.toThrow(/more than 100,000 bytes when unpacked/);
  });
});

describe("cells", () => {
  it("are days by their format", () => {
    for (const code of ["yyyy-mm-dd", "d. mmmm yy", "[$-407]dd/mm/yyyy;@", "m/d/yy h:mm"]) expect(showsDay(code)).toBe(true);
    for (const code of ["General", "0.00", '0 "days"', "[h]:mm", "hh:mm:ss", "[Red]0", "\\d0"]) expect(showsDay(code)).toBe(false);
  });

  it("have days as Excel counts them, its 29th of February 1900 too", () => {
    expect([1, 59, 61, 25_569, 45_292.000_011_6].map((serial) => isoOf(serial, false))).toEqual([
      "1900-01-01",
      "1900-02-28",
      "1900-03-01",
      "1970-01-01",
      "2024-01-01 00:00:01.002",
    ]);
    expect(isoOf(-1, false)).toBeUndefined();
  });

  it("stand where their reference says", () => {
    expect(["A1", "Z9", "AA10", "XFD1048576"].map(placeOf)).toEqual([0, 25, 26, 16_383]);
  });
});
