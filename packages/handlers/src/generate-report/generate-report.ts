/**
 * generate_report: a report on a shop's sales, as PDF, CSV or Excel, in four stages (see progress.ts).
 *
 * Configured twice with the same options: here, where the handler is registered, and in the child process that runs
 * it, which imports `handler.isolate` and finds them in that URL (isolated.ts).
 * Writes only in scratch until the file is whole; then the file is stored, and the link to it is the result. A run
 * that is stopped at any moment leaves nothing behind, and running it again starts from the beginning.
 */
import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineHandler, type Handler, type HandlerContext, type StoredBlob } from "@streamer/core";
import type { JsonObject } from "@streamer/protocol";
import { withoutPaths } from "./columns.ts";
import { DEFAULT_MEMORY_MB, MEMORY_MB_PER_TEXT_FILE, openDatabase, type Database } from "../duckdb/database.ts";
import { detailColumns } from "./detail.ts";
import { reportFacts, type ReportFacts } from "./facts.ts";
import { reportInput, type ReportInput } from "./input.ts";
import { loadMapping } from "./mapping.ts";
import { createProgress, type StageProgress } from "./progress.ts";
import { queryData, type SourceRows } from "./query.ts";
import { summarize, type Summary } from "./summarize.ts";
import type { WrittenFile } from "./write-csv.ts";

export interface GenerateReportOptions {
  /** The folder with the shop's files; the only one a report reads. */
  readonly dataFolder: string;
  /** Default sources.json in the data folder. */
  readonly mappingFile?: string;
  /** DuckDB's buffers in MB. Default 128, and 96 more for each CSV or JSON file that one SELECT reads. */
  readonly memoryMb?: number;
  /** Default 2. */
  readonly threads?: number;
  /** Order lines printed in a PDF. Default 2,000. */
  readonly pdfRows?: number;
  /** Rows of one Excel sheet, header included. Default Excel's own limit, 1,048,576. */
  readonly rowsPerSheet?: number;
}

export interface ReportResult extends JsonObject {
  readonly url: string;
  /** Order lines in the file. */
  readonly records: number;
  readonly size_bytes: number;
  readonly format: ReportInput["format"];
  /** ISO 8601. */
  readonly generated_at: string;
  readonly expires_at: string;
  readonly stats: JsonObject;
}

export type GenerateReport = Handler<"generate_report", typeof reportInput, ReportResult>;

/** Longest one attempt may take: fifty times what five million rows took as Excel, the slowest. */
const TIMEOUT_MS = 30 * 60_000;

export function createGenerateReport(options: GenerateReportOptions): GenerateReport {
  const resolved = { ...options, dataFolder: resolve(options.dataFolder) };
  const dataBytes = folderBytes(resolved.dataFolder);
  return defineHandler({
    action: "generate_report",
    description: "A sales report over a period as PDF, CSV or Excel, with totals, rankings and charts.",
    input: reportInput,
    estimate: (input) => estimateMs(input, dataBytes),
    timeoutMs: TIMEOUT_MS,
    retry: { maxAttempts: 3, baseMs: 1_000, capMs: 30_000 },
    isolate: isolateUrl(resolved),
    run: (input, ctx) => generate(input, ctx, resolved),
  });
}

function isolateUrl(options: GenerateReportOptions): string {
  const url = new URL("./isolated.ts", import.meta.url);
  url.searchParams.set("options", JSON.stringify(options));
  return url.href;
}

/** The options in a URL made by `isolateUrl`. */
export function optionsOf(moduleUrl: string): GenerateReportOptions {
  const options = new URL(moduleUrl).searchParams.get("options");
  if (options === null) throw new Error("isolated.ts is imported by the URL in generate_report's `isolate`, which carries its options.");
  return JSON.parse(options) as GenerateReportOptions;
}

/**
 * A first guess, from measurements on two cores: reading goes by the size of the files, whatever the period, and so
 * does writing at its most. Shorter periods take less; what runs really took is learned by whoever asks.
 */
function estimateMs({ format }: ReportInput, dataBytes: number): number {
  const megabytes = dataBytes / 1_000_000;
  const base = { csv: 300, excel: 400, pdf: 1_500 }[format];
  const perMegabyte = { csv: 200, excel: 650, pdf: 200 }[format];
  return Math.round(base + megabytes * perMegabyte);
}

function folderBytes(folder: string): number {
  try {
    const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    return files.reduce((total, { name }) => total + statSync(join(folder, name)).size, 0);
  } catch {
    return 0; // no folder yet: the report itself will say so
  }
}

async function generate(input: ReportInput, ctx: HandlerContext, options: GenerateReportOptions): Promise<ReportResult> {
  const progress = createProgress(ctx);
  const scratchFolder = await ctx.scratch();
  const query = progress.stage("query");
  const mapping = await loadMapping(options.dataFolder, options.mappingFile);
  try {
    const memoryMb = options.memoryMb ?? DEFAULT_MEMORY_MB + MEMORY_MB_PER_TEXT_FILE * mapping.textFiles;
    await using database = await openDatabase({ ...options, memoryMb, scratchFolder, signal: ctx.signal });
    const { shape, rows } = await queryData(database, mapping, input, query);
    const summary = await summarize(database, input, shape, progress.stage("process"));
    const generatedAt = new Date().toISOString();
    const facts = reportFacts(mapping, input, { shape, summary, generatedAt });
    const file = await write(input.format, database, facts, {
      folder: scratchFolder,
      signal: ctx.signal,
      options,
      tell: progress.stage("generate"),
    });

    const finalize = progress.stage("finalize");
    finalize(0, "Storing the file");
    const stored = await store(ctx, file, input);
    finalize(1, "Report ready", { size_bytes: stored.sizeBytes });
    return {
      url: stored.url,
      records: file.records,
      size_bytes: stored.sizeBytes,
      format: input.format,
      generated_at: generatedAt,
      expires_at: stored.expiresAt,
      stats: { ...statsOf(summary, rows, mapping.currency), timings: progress.timings() },
    };
  } catch (error) {
    ctx.signal.throwIfAborted();
    throw withoutPaths(error);
  }
}

interface Writing {
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly options: GenerateReportOptions;
  readonly tell: StageProgress;
}

/** Each writer is loaded when it is asked for: a CSV needs neither pdfmake nor echarts in memory. */
async function write(format: ReportInput["format"], database: Database, facts: ReportFacts, writing: Writing): Promise<WrittenFile> {
  const { folder, signal, options, tell } = writing;
  const columns = detailColumns(facts.shape);
  if (format === "csv") {
    const { writeCsv } = await import("./write-csv.ts");
    return writeCsv(database, columns, folder, tell);
  }
  if (format === "excel") {
    const { writeExcel } = await import("./excel/write-excel.ts");
    const { rowsPerSheet } = options;
    return writeExcel(database, facts, { columns, folder, signal, ...(rowsPerSheet && { rowsPerSheet }) }, tell);
  }
  const { writePdf } = await import("./pdf/write-pdf.ts");
  return writePdf(database, facts, { columns, folder, signal, ...(options.pdfRows && { rows: options.pdfRows }) }, tell);
}

const FILE_TYPES = {
  pdf: { extension: "pdf", contentType: "application/pdf" },
  csv: { extension: "csv", contentType: "text/csv; charset=utf-8" },
  excel: { extension: "xlsx", contentType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
} as const;

function store(ctx: HandlerContext, { path }: WrittenFile, { format, start_date, end_date }: ReportInput): Promise<StoredBlob> {
  const { extension, contentType } = FILE_TYPES[format];
  ctx.signal.throwIfAborted();
  return ctx.blobs.putFile(`report.${extension}`, path, { contentType, filename: `report-${start_date}-to-${end_date}.${extension}` });
}

function statsOf({ totals, periods, unit, categories }: Summary, sources: SourceRows, currency: string): JsonObject {
  return {
    currency,
    totals: { ...totals },
    orders: totals.orders,
    customers: totals.customers,
    periods: periods.length,
    period_unit: unit,
    top_category: categories[0]?.name ?? null,
    sources: { ...sources },
  };
}
