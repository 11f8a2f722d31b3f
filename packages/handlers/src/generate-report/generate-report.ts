/**
 * generate_report: a report on a shop's sales, as PDF, CSV or Excel, in four stages (see progress.ts).
 *
 * This is the definition alone, light to load: what makes a report, DuckDB first of all, is imported when one runs
 * (generate.ts), so that a process that only takes requests in never loads it.
 * Configured twice with the same options: here, where the handler is registered, and in the child process that runs
 * it, which imports `handler.isolate` and finds them in that URL (isolated.ts).
 */
import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineHandler, type Handler } from "@streamer/core";
import * as z from "zod";
import { jsonRecord } from "../json-record.ts";
import { warnings } from "../warnings.ts";
import { REPORT_FORMATS, reportInput, type ReportInput } from "./input.ts";

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

const reportOutput = z.object({
  warnings,
  url: z.string().describe("Where the file is, until expires_at."),
  records: z.int().describe("Order lines in the file."),
  size_bytes: z.int(),
  format: z.enum(REPORT_FORMATS),
  generated_at: z.string().describe("ISO 8601."),
  expires_at: z.string().describe("ISO 8601."),
  stats: jsonRecord.describe("The totals of the report, and what it took to make it."),
});
export type ReportResult = z.infer<typeof reportOutput>;

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
    output: reportOutput,
    estimate: (input) => estimateMs(input, dataBytes),
    timeoutMs: TIMEOUT_MS,
    retry: { maxAttempts: 3, baseMs: 1_000, capMs: 30_000 },
    isolate: isolateUrl(resolved),
    network: false,
    percentages: "time",
    async run(input, ctx) {
      const { generate } = await import("./generate.ts");
      return generate(input, ctx, resolved);
    },
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

/** Of the files in it; 0 where there is none yet: the report itself will say so. */
export function folderBytes(folder: string): number {
  try {
    const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    return files.reduce((total, { name }) => total + statSync(join(folder, name)).size, 0);
  } catch {
    return 0;
  }
}
