export { createAwsEngine, type AwsEngine, type EngineParts } from "./engine.ts";
export { createMetrics, type Metrics } from "./functions/metrics.ts";
export { DATA_FOLDER, VARIABLES } from "./functions/settings.ts";
export { RUNNABLE_FILTER, TABLES, type TableDefinition, type TableName, type TableNames } from "./dynamodb/table.ts";
export { createDelayQueue, type DelayQueue } from "./wakeups.ts";
export { partitionKey } from "./dynamodb/keys.ts";
export { eventsKey, movedKey, type EventsItem } from "./requests/event-log.ts";
export type { RequestRow } from "./requests/rows.ts";
export type { StoredText } from "./dynamodb/values.ts";
