/** The handlers Streamer ships, as one tuple: `connect<typeof handlers>` is typed by it. */
import { join } from "node:path";
import { createBulkOperation, type BulkOperationOptions } from "./bulk-operation/handler.ts";
import { echo } from "./echo.ts";
import { createHealth } from "./health.ts";

export interface HandlersOptions {
  /** Where handlers keep what they own. */
  readonly dataFolder: string;
  /** The entity types bulk operations may change. Default any. */
  readonly entities?: BulkOperationOptions["entities"];
}

/**
 * @example
 * const handlers = createHandlers({ dataFolder: "data" });
 * const client = connect<typeof handlers>("ws://localhost:8080", { token });
 */
export function createHandlers({ dataFolder, entities }: HandlersOptions) {
  return [echo, createHealth(), createBulkOperation({ folder: join(dataFolder, "bulk"), ...(entities && { entities }) })] as const;
}
