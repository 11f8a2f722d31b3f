/** The handlers Streamer ships, as one tuple: `connect<typeof handlers>` is typed by it. */
import { join } from "node:path";
import { createBulkOperation, type BulkOperationOptions } from "./bulk-operation/handler.ts";
import { echo } from "./echo.ts";
import { createGenerateReport, type GenerateReportOptions } from "./generate-report/index.ts";
import { createHealth } from "./health.ts";

export interface HandlersOptions {
  /** Where handlers keep what they own. */
  readonly dataFolder: string;
  /** What reports are made of. */
  readonly reports: GenerateReportOptions;
  /** The entity types bulk operations may change. Default any. */
  readonly entities?: BulkOperationOptions["entities"];
}

/**
 * @example
 * const handlers = createHandlers({ dataFolder: "data", reports: { dataFolder: "shop" } });
 * const client = connect<typeof handlers>("ws://localhost:8080", { token });
 */
export function createHandlers({ dataFolder, reports, entities }: HandlersOptions) {
  const bulkOperation = createBulkOperation({ folder: join(dataFolder, "bulk"), ...(entities && { entities }) });
  return [createGenerateReport(reports), bulkOperation, echo, createHealth()] as const;
}
