export { SAMPLE_FOLDER, whyNotApart } from "./apart.ts";
export { createBulkOperation, type BulkOperationOptions } from "./bulk-operation/handler.ts";
export type { ItemOutcome, ItemReport } from "./bulk-operation/outcomes.ts";
export type { BulkResult } from "./bulk-operation/result.ts";
export { createHandlers, type HandlersOptions } from "./create-handlers.ts";
export { echo } from "./echo.ts";
export {
  coveredDays,
  createGenerateReport,
  loadMapping,
  writeSampleShop,
  FONT_PACKAGES,
  MAPPING_FILE,
  SAMPLE_ROWS,
  type CoveredDays,
  type GenerateReport,
  type GenerateReportOptions,
  type ReportInput,
  type ReportMapping,
  type ReportResult,
  type SampleShop,
  type SampleShopOptions,
} from "./generate-report/index.ts";
export { createHealth, type Health } from "./health.ts";
export {
  createAppendRows,
  createProcessData,
  dataFileNames,
  objectChannels,
  processInput,
  type AppendResult,
  type AppendRowsOptions,
  type ChannelObjects,
  type Channels,
  type ChannelState,
  type ChannelStore,
  type ProcessData,
  type ProcessDataOptions,
  type ProcessInput,
  type ProcessResult,
} from "./process-data/index.ts";
