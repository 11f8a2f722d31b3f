export { createBulkOperation, type BulkOperationOptions } from "./bulk-operation/handler.ts";
export type { ItemOutcome, ItemReport } from "./bulk-operation/outcomes.ts";
export type { BulkResult } from "./bulk-operation/result.ts";
export { createHandlers, type HandlersOptions } from "./create-handlers.ts";
export { echo } from "./echo.ts";
export { createHealth, type Health } from "./health.ts";
export { SAMPLE_ROWS, writeSampleShop, type SampleShop, type SampleShopOptions } from "./generate-report/sample-shop.ts";
