export { createAwsEngine, type AwsEngine, type EngineParts } from "./engine.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
export { DATA_FOLDER, VARIABLES } from "./settings.ts";
export { RUNNABLE_FILTER, TABLES, type TableDefinition, type TableName, type TableNames } from "./table.ts";
export { createDelayQueue, type DelayQueue } from "./wakeups.ts";
