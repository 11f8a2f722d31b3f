/**
 * PDF on pdfkit, laid out here: no URL is fetched, and no file read but the faces and the mapping's picture. The detail
 * is capped, since a million printed rows help nobody, and the PDF says so.
 */
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import type { Database } from "../../duckdb/database.ts";
import type { Warning } from "../../warnings.ts";
import type { DetailColumn } from "../detail.ts";
import type { ReportFacts } from "../facts.ts";
import { count, type StageProgress } from "../progress.ts";
import type { WrittenFile } from "../write-csv.ts";
import { readDetail, type PrintedDetail } from "./detail-table.ts";
import { printFurniture, printReport, textsOf } from "./document.ts";
import { formatsFor } from "./formats.ts";
import { readLogo } from "./logo.ts";
import { createPaper, type Paper } from "./page/paper.ts";
import { unprintedIn, type Unprinted } from "./text/unprinted.ts";
import { paletteOf } from "./theme.ts";

/** Order lines printed in a PDF. */
const DEFAULT_PDF_ROWS = 2_000;

export interface PdfOptions {
  readonly columns: readonly DetailColumn[];
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly rows?: number;
}

export async function writePdf(database: Database, facts: ReportFacts, options: PdfOptions, tell: StageProgress): Promise<WrittenFile> {
  const { folder, signal, columns, rows = DEFAULT_PDF_ROWS } = options;
  const { labels, settings } = facts;
  const formats = formatsFor({ tag: labels.tag, currency: facts.currency, moneyDecimals: facts.moneyDecimals });
  tell(0, "Collecting the order lines to print");
  const detail = facts.includeDetail ? await readDetail(database, facts, formats, { columns, rows }) : undefined;
  tell(COLLECTED, `${count(detail?.printed ?? 0)} of ${count(facts.summary.totals.lines)} rows to print`, { rows_written: 0 });
  const logo = await readLogo(facts.logo);
  signal.throwIfAborted();

  const progress = layoutProgress(detail, tell);
  const paper = createPaper({
    format: settings.page_size === "Letter" ? "LETTER" : "A4",
    tag: labels.tag,
    title: `${facts.title}: ${facts.subtitle}`,
    author: facts.title,
    subject: facts.subtitle,
    createdAt: facts.generatedAt,
    colours: paletteOf(settings.colours),
    // Others get their turn after each page, so that a stop is seen.
    async turned(page) {
      progress.page(page);
      await new Promise(setImmediate);
      signal.throwIfAborted();
    },
  });
  const unprinted = unprintedIn(textsOf({ facts, detail, formats, warnings: facts.warnings }), paper.type.faces).map(asWarning);
  await printReport(paper, { facts, formats, logo, detail, warnings: [...facts.warnings, ...unprinted], printed: progress.rows });
  const path = join(folder, "report.pdf");
  await write(paper, facts, { path, signal });
  const records = detail?.printed ?? 0;
  tell(1, `${count(paper.pages())} pages, ${count(records)} rows printed`, { rows_written: records });
  return { path, records, warnings: unprinted, stats: { pages: paper.pages(), fonts: [...paper.type.faces.used()] } };
}

/** Shares of the stage: reading what is printed, and laying out all pages; the rest is writing the file. */
const COLLECTED = 0.1;
const LAID_OUT = 0.85;
/** The part of the layout that is figures and charts, where there are order lines, too. */
const FIGURES = 0.25;
/** Pages of figures and charts: what a shop has that sells in several countries. */
const FIGURE_PAGES = 5;

function layoutProgress(detail: PrintedDetail | undefined, tell: StageProgress): { page(page: number): void; rows(rows: number): void } {
  const figures = detail && detail.printed > 0 ? FIGURES : 1;
  let rows = 0;
  return {
    rows: (done) => (rows = done),
    page(page) {
      const done = rows === 0 ? Math.min(page / FIGURE_PAGES, 1) * figures : figures + (1 - figures) * (rows / (detail?.printed ?? 1));
      tell(COLLECTED + (LAID_OUT - COLLECTED) * done, `Page ${count(page)} laid out`, { rows_written: rows, page });
    },
  };
}

async function write(
  paper: Paper,
  facts: ReportFacts,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
): Promise<void> {
  const file = createWriteStream(path);
  const written = finished(file, { signal });
  paper.document.pipe(file);
  paper.end((page, pages) => printFurniture(paper, facts, { page, pages }));
  await written;
}

function asWarning({ script, texts, letters, examples, codes }: Unprinted): Warning {
  const one = letters === 1;
  return {
    kind: "unprinted_letters",
    message:
      `${count(letters)} ${one ? "letter" : "letters"} of ${script} (${codes.join(", ")}${letters > codes.length ? ", …" : ""}) in ${count(texts)} ` +
      `${texts === 1 ? "text" : "texts"} cannot be printed in a PDF and ${one ? "is" : "are"} shown as \uFFFD, as in ` +
      `${examples.map((example) => JSON.stringify(example)).join(", ")}. The same report as CSV or Excel has ${one ? "it" : "them"}.`,
    count: texts,
  };
}
