/**
 * PDF by pdfmake, with its own Roboto and nothing else: no URL is fetched and no other file read, whatever the data
 * says. The detail is capped, since a layout of a million rows helps nobody, and the PDF says so.
 */
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import pdfmake from "pdfmake";
import type { Database } from "../../duckdb/database.ts";
import type { DetailColumn } from "../detail.ts";
import type { ReportFacts } from "../facts.ts";
import { count, type StageProgress } from "../progress.ts";
import type { WrittenFile } from "../write-csv.ts";
import { reportDocument, type PrintedDetail } from "./document.ts";
import { FONTS, isFontFile } from "./fonts.ts";

/** Order lines printed in a PDF. */
const DEFAULT_PDF_ROWS = 2_000;
/** Columns that fit across a portrait page; the keys and the country are in the other formats. */
const PRINTED = new Set(["order_date", "order_id", "customer", "product", "category", "region", "quantity", "revenue"]);

export interface PdfOptions {
  readonly columns: readonly DetailColumn[];
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly rows?: number;
}

export async function writePdf(database: Database, facts: ReportFacts, options: PdfOptions, tell: StageProgress): Promise<WrittenFile> {
  const { folder, signal } = options;
  tell(0, "Collecting the order lines to print");
  const detail = await readDetail(database, facts, options);
  tell(0.2, `${count(detail.rows.length)} of ${count(detail.total)} rows to print`, { rows_written: 0 });
  const charts = facts.includeCharts && detail.total > 0 ? await import("./charts.ts") : undefined;
  signal.throwIfAborted();
  const definition = reportDocument(facts, detail, charts);
  tell(0.4, charts ? "Charts drawn" : "Laying out the pages");
  // Everything above gave way to cancellation; layout is one step, so let what has arrived be seen before it.
  await new Promise(setImmediate);
  signal.throwIfAborted();

  pdfmake.setFonts(structuredClone(FONTS));
  pdfmake.setUrlAccessPolicy(() => false);
  pdfmake.setLocalAccessPolicy(isFontFile);
  const document = await pdfmake.createPdf(definition).getStream();
  await new Promise(setImmediate);
  signal.throwIfAborted();
  tell(0.8, "Pages laid out");
  const path = join(folder, "report.pdf");
  document.end();
  await pipeline(document, createWriteStream(path), { signal });
  tell(1, `${count(detail.rows.length)} rows printed`, { rows_written: detail.rows.length });
  return { path, records: detail.rows.length };
}

/** Lines in order of date; when there are too many, those with the most revenue. */
async function readDetail(database: Database, { summary }: ReportFacts, { columns, rows }: PdfOptions): Promise<PrintedDetail> {
  const printed = columns.filter(({ name }) => PRINTED.has(name));
  const select = printed.map(({ name, kind }) => `${PRINT[kind](name)} AS ${name}`).join(", ");
  const lines = await database.rows<Record<string, string | null>>(
    `SELECT ${select} FROM (SELECT * FROM lines ORDER BY revenue DESC, order_date, order_id LIMIT ${rows ?? DEFAULT_PDF_ROWS}) best ORDER BY best.order_date, best.order_id`,
  );
  return {
    columns: printed,
    rows: lines.map((line) => printed.map(({ name }) => line[name] ?? "")),
    total: summary.totals.lines,
  };
}

const PRINT: Readonly<Record<DetailColumn["kind"], (name: string) => string>> = {
  date: (name) => `${name}::VARCHAR`,
  text: (name) => `${name}::VARCHAR`,
  key: (name) => `${name}::VARCHAR`,
  count: (name) => `format('{:,}', ${name}::BIGINT)`,
  money: (name) => `format('{:,.2f}', ${name}::DOUBLE)`,
};
