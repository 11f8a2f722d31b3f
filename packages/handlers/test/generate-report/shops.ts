/** Small shops for tests: files and a mapping in a temporary folder, and the real ones beside the checkout. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import {
  createGenerateReport,
  loadMapping,
  type GenerateReport,
  type GenerateReportOptions,
  type ReportResult,
} from "../../src/generate-report/index.ts";
import { openDatabase } from "../../src/duckdb/database.ts";
import type { Figures, Summary } from "../../src/generate-report/figures.ts";
import { reportInput, type ReportInput } from "../../src/generate-report/input.ts";
import { labelsOf } from "../../src/generate-report/locale/labels.ts";
import { queryData } from "../../src/generate-report/query.ts";
import { summarize } from "../../src/generate-report/summarize.ts";
import { startRun, type Reported } from "../run-handler.ts";

export const MAPPINGS: string = fileURLToPath(new URL("../mappings/", import.meta.url));
const SETS = fileURLToPath(new URL("../../../../fixtures/data/", import.meta.url));

/** The folder of a real data set. */
export const realData = (name: string): string => join(SETS, name);

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "streamer-report-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export const SOURCES = {
  title: "Corner shop",
  currency: "EUR",
  sources: {
    transactions: "SELECT * FROM read_csv('orders.csv', all_varchar = false)",
    customers: "SELECT * FROM 'customers.csv'",
    products: "SELECT * FROM 'products.csv'",
  },
};

/** Three orders of 2024: January, and March (February is empty); names that would be formulas, markup or too clever. */
export const FILES: Readonly<Record<string, string>> = {
  "orders.csv": [
    "order_date,order_id,product_key,customer_key,quantity,revenue,profit,region",
    "2024-01-05,A1,1,10,2,20.50,8.25,North",
    "2024-01-05,A1,2,10,1,5.25,1.00,North",
    "2024-01-20,-7,1,11,-1,-10.25,-4.00,South",
    "2024-03-31,A3,99,,3,300.00,100.00,South",
  ].join("\n"),
  "customers.csv": 'customer_key,customer\n10,"=HYPERLINK(""http://x"")"\n11,+49 Anna',
  "products.csv": "product_key,product,category\n1,@SUM(A1),Tools & <Toys>\n2,-Nut,Nuts",
};

/** `sources` null: a folder without a mapping. */
export async function writeShop(files: Readonly<Record<string, string>> = FILES, sources: unknown = SOURCES): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  if (sources !== null) await writeFile(join(folder, "sources.json"), typeof sources === "string" ? sources : JSON.stringify(sources));
  return folder;
}

export interface Report {
  readonly result: ReportResult;
  /** Where the finished file is. */
  readonly path: string;
  readonly reports: readonly Reported[];
}

/** Runs a report of 2024 to its end. */
export async function report(options: GenerateReportOptions, payload: Record<string, unknown> = {}): Promise<Report> {
  const handler: GenerateReport = createGenerateReport(options);
  const input = { start_date: "2024-01-01", end_date: "2024-12-31", format: "csv", ...payload };
  const run = await startRun(handler, input, { blobsFolder: await temporaryFolder() });
  const result = await run.result;
  return { result, path: fileURLToPath(result.url), reports: run.reports };
}

export const totalsOf = (result: ReportResult): Figures => result.stats.totals as unknown as Figures;

/** The tables of a report of 2024, before any format prints them. */
export async function summaryOf(dataFolder: string, payload: Record<string, unknown> = {}, mappingFile?: string): Promise<Summary> {
  const parsed = reportInput.parse({ start_date: "2024-01-01", end_date: "2024-12-31", ...payload, report_type: "custom" });
  const input = { ...parsed, report_type: (payload.report_type ?? "monthly") as ReportInput["report_type"] };
  const mapping = await loadMapping(dataFolder, mappingFile);
  const signal = new AbortController().signal;
  await using database = await openDatabase({ dataFolder, scratchFolder: await temporaryFolder(), signal, memoryMb: 512 });
  const found = await queryData(database, mapping, input, () => undefined);
  return await summarize(database, { input, labels: labelsOf(input.locale ?? mapping.locale), calendar: mapping }, found, () => undefined);
}
