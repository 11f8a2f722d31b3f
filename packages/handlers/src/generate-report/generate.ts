/**
 * One run of generate_report: queries the shop's files, summarises, writes the document, stores it.
 *
 * Writes only in scratch until the file is whole; then the file is stored, and the link to it is the result. A run
 * that is stopped at any moment leaves nothing behind, and running it again starts from the beginning.
 */
import type { HandlerContext, StoredBlob } from "@streamer/core";
import type { JsonObject } from "@streamer/protocol";
import { withoutPaths } from "./columns.ts";
import { DEFAULT_MEMORY_MB, MEMORY_MB_PER_TEXT_FILE, openDatabase, type Database } from "../duckdb/database.ts";
import { detailColumns } from "./detail.ts";
import { reportFacts, type ReportFacts } from "./facts.ts";
import { folderBytes, type GenerateReportOptions, type ReportResult } from "./generate-report.ts";
import type { ReportInput } from "./input.ts";
import { loadMapping } from "./mapping.ts";
import { readableMapping } from "./sources/readable-files.ts";
import { createStages } from "../stages.ts";
import { stageCosts } from "./costs.ts";
import type { StageProgress } from "./progress.ts";
import { queryData, type SourceRows } from "./query.ts";
import type { Summary } from "./figures.ts";
import { labelsOf } from "./locale/labels.ts";
import { locateLogo } from "./logo.ts";
import { summarize } from "./summarize.ts";
import type { WrittenFile } from "./write-csv.ts";

export async function generate(input: ReportInput, ctx: HandlerContext, options: GenerateReportOptions): Promise<ReportResult> {
  const sourceBytes = folderBytes(options.dataFolder);
  const progress = createStages(ctx, stageCosts(input, sourceBytes));
  const scratchFolder = await ctx.scratch();
  const query = progress.stage("query");
  const given = await loadMapping(options.dataFolder, options.mappingFile);
  try {
    query(0, "Looking at the files");
    const readable = await readableMapping(given, { dataFolder: options.dataFolder, scratchFolder, signal: ctx.signal });
    const { mapping } = readable;
    const memoryMb = options.memoryMb ?? DEFAULT_MEMORY_MB + MEMORY_MB_PER_TEXT_FILE * mapping.textFiles;
    await using database = await openDatabase({ ...options, memoryMb, scratchFolder, signal: ctx.signal, timeZone: mapping.time_zone });
    const queried = await queryData(database, mapping, input, query);
    progress.expect(stageCosts(input, sourceBytes, queried.rows.transactions));
    const labels = labelsOf(input.locale ?? mapping.locale);
    const summary = await summarize(database, { input, labels, calendar: mapping }, queried, progress.stage("process"));
    const generatedAt = new Date().toISOString();
    const warnings = [...readable.warnings, ...queried.warnings];
    const logo = mapping.logo === undefined ? undefined : await locateLogo(options.dataFolder, mapping.logo);
    const { shape, rows } = queried;
    const facts = reportFacts(mapping, input, { shape, summary, generatedAt, warnings, labels, logo });
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
      warnings: [...warnings, ...(file.warnings ?? [])],
      url: stored.url,
      records: file.records,
      size_bytes: stored.sizeBytes,
      format: input.format,
      generated_at: generatedAt,
      expires_at: stored.expiresAt,
      stats: { ...statsOf(summary, rows, mapping.currency), ...file.stats, timings: progress.timings() },
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

/** Each writer is loaded when it is asked for: a CSV needs no fonts in memory. */
async function write(format: ReportInput["format"], database: Database, facts: ReportFacts, writing: Writing): Promise<WrittenFile> {
  const { folder, signal, options, tell } = writing;
  const columns = detailColumns(facts.shape, facts.labels);
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

function statsOf({ totals, comparisons, data, periods, unit, categories }: Summary, sources: SourceRows, currency: string): JsonObject {
  return {
    currency,
    totals: { ...totals },
    orders: totals.orders,
    customers: totals.customers,
    periods: periods.length,
    period_unit: unit,
    data_days: data && { ...data },
    comparisons: comparisons.map(({ name, start, end, ...compared }) =>
      compared.coverage === "covered"
        ? { name, start, end, coverage: "covered", totals: { ...compared.totals } }
        : { name, start, end, coverage: "not_covered" },
    ),
    top_category: categories.find(({ role }) => role === "one")?.name ?? null,
    sources: { ...sources },
  };
}
