import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { expect, it } from "vitest";
import { cellText, cellTextSql } from "../../src/generate-report/excel/xml.ts";

const ENTITIES: Readonly<Record<string, string>> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"' };
/** What Excel shows: entities, then _xHHHH_ for the character (ECMA-376, 22.9.2.19). */
const shown = (xml: string): string =>
  xml
    .replaceAll(/&(?:amp|lt|gt|quot);/g, (entity) => ENTITIES[entity] ?? "")
    .replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)));
const INVALID = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

const odd = fc
  .array(
    fc.oneof(
      fc.constantFrom("_x0041_", "_x005F_", "_x", "0041_", "_", "\uFFFE", "\uFFFF", "&lt;", "<", "]]>", "=1+1", "🦄", "\u0085"),
      fc.string(),
    ),
  )
  .map((parts) => parts.join("").replaceAll(/\p{Cc}/gu, ""));

it("a cell shows the text that was given, whatever it holds", async () => {
  const connection = await (await DuckDBInstance.create()).connect();
  await fc.assert(
    fc.asyncProperty(odd, async (text) => {
      const whole = text.toWellFormed();
      const xml = cellText(whole);
      expect(xml).not.toMatch(INVALID);
      expect(shown(xml)).toBe(whole.replaceAll(/[\uFFFE\uFFFF]/g, ""));
      const rows = (await connection.runAndReadAll(`SELECT ${cellTextSql("t")} FROM (SELECT $1::VARCHAR AS t)`, [whole])).getRows();
      expect(shown(String(rows[0]?.[0]))).toBe(shown(xml));
    }),
    { numRuns: 300 },
  );
  connection.closeSync();
});
