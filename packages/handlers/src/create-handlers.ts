/** The handlers Streamer ships, as one tuple: `connect<typeof handlers>` is typed by it. */
import { join } from "node:path";
import { whyNotApart } from "./apart.ts";
import { createBulkOperation, type BulkOperationOptions } from "./bulk-operation/handler.ts";
import { echo } from "./echo.ts";
import { createGenerateReport, type GenerateReportOptions } from "./generate-report/index.ts";
import { createHealth } from "./health.ts";
import { createAppendRows, createProcessData, type AppendRowsOptions, type ProcessDataOptions } from "./process-data/index.ts";

export interface HandlersOptions {
  /** The folder in which handlers keep what they own. */
  readonly dataFolder: string;
  /** What reports are made from. */
  readonly reports: GenerateReportOptions;
  /** What data is processed. Default: the data sets in the folder that reports are made from. */
  readonly processing?: Partial<Omit<ProcessDataOptions, "channels">>;
  /** Where rows that clients append are kept. Default: a folder in `dataFolder`. */
  readonly channels?: ProcessDataOptions["channels"];
  /** What may be kept there, of a channel, a user and a tenant. */
  readonly channelLimits?: AppendRowsOptions["limits"];
  /** The entity types that bulk operations may change. Default: any. */
  readonly entities?: BulkOperationOptions["entities"];
}

/**
 * @example
 * const handlers = createHandlers({ dataFolder: "data", reports: { dataFolder: "shop" } });
 * const client = connect<typeof handlers>("ws://localhost:8080", { token });
 */
export function createHandlers({
  dataFolder,
  reports,
  processing,
  channels = join(dataFolder, "channels"),
  channelLimits,
  entities,
}: HandlersOptions) {
  for (const data of [reports.dataFolder, processing?.dataFolder ?? reports.dataFolder]) {
    const problem = whyNotApart(data, dataFolder);
    if (problem !== undefined) throw new RangeError(`createHandlers: ${problem}`);
  }
  const bulkOperation = createBulkOperation({ folder: join(dataFolder, "bulk"), ...(entities && { entities }) });
  const processData = createProcessData({ dataFolder: reports.dataFolder, ...processing, channels });
  return [
    createGenerateReport(reports),
    processData,
    createAppendRows({ channels, ...(channelLimits && { limits: channelLimits }) }),
    bulkOperation,
    echo,
    createHealth(),
  ] as const;
}
