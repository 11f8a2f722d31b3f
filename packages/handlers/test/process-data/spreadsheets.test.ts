/** No text of a CSV file becomes a formula in a spreadsheet, whatever it hides behind, and all of them can be read back. */
import { describe, expect, it } from "vitest";
import { documented } from "../documented.ts";
import { dataFolder, handlerOn, processed } from "./runs.ts";

const HOSTILE = [
  "=cmd|'/c calc'!A0",
  "+1+1",
  "-1-1",
  "@SUM(A1)",
  "＝1+1",
  "＋1",
  "－1",
  "＠A1",
  "\t=1",
  "\tplain",
  "\r=1",
  "\n=1",
  "   =1",
  "\u00A0=1",
  "\u3000＝1",
  "\u200B=1",
  "\uFEFF@a",
  "\u202E=1",
  "\u0001=1",
  "'=1",
  "''\t",
  "-",
  "+49 Anna",
  "-7e",
];
const HARMLESS = ["-7", "+7.5", "-1e-7", "a=b", "'quoted'", "''", "it's", "007", "a\n=b", "2024-01-05", "ß=", "🙂-1"];
const TEXTS = [...HOSTILE, ...HARMLESS];
const ROWS = 120;

const textOf = (row: number): string => TEXTS[row % TEXTS.length]!;

/** RFC 4180, in which a quoted cell holds any character. */
const cellsOf = (csv: string): readonly (readonly string[])[] =>
  [...csv.matchAll(/((?:"(?:[^"]|"")*"|[^",\n]*)(?:,(?:"(?:[^"]|"")*"|[^",\n]*))*)\n/g)].map(([, line]) =>
    [...line!.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain!),
  );

describe("CSV for spreadsheets", () => {
  it("has no formula in values or names, numbers as they were, and every text behind its apostrophe", async () => {
    const rows = Array.from({ length: ROWS }, (_, row) =>
      JSON.stringify({ "=NAME()": textOf(row), "\u3000＠b": -1 - (row % 7), c: row % 5 }),
    );
    const handler = await handlerOn(await dataFolder({ "rows.ndjson": rows.join("\n") }));
    const { output } = await processed(handler, {
      pipeline: "transformation",
      data_source: { type: "file", path: "rows.ndjson" },
      id_columns: ["=NAME()", "\u3000＠b"],
      output: { format: "csv" },
      options: { model: "none", duplicates: "keep" },
    });
    const [names, ...cells] = cellsOf(output);
    expect(names?.slice(0, 3)).toEqual(["row", "'=NAME()", "'\u3000＠b"]);
    expect(cells).toHaveLength(ROWS);
    const [, readBack] = /<!-- read-back -->\n```\n(.+)\n```/.exec(documented("docs/handlers/process-data.md")) ?? [];
    const marked = new RegExp(readBack!, "u");
    for (const [row, [number, id, negative]] of cells.entries()) {
      const text = textOf(row);
      expect([number, id, negative]).toEqual([String(row + 1), HOSTILE.includes(text) ? `'${text}` : text, String(-1 - (row % 7))]);
      expect(marked.test(id!) ? id!.slice(1) : id).toBe(text);
    }
  });
});
