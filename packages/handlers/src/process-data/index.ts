export { createAppendRows, type AppendResult, type AppendRowsOptions } from "./append-rows.ts";
export { dataFileNames } from "./ingest/data-files.ts";
export type { Channels, ChannelState, ChannelStore } from "./ingest/channel.ts";
export { objectChannels, type ChannelObjects } from "./ingest/channel-objects.ts";
export { processInput, type ProcessInput } from "./input.ts";
export { createProcessData, type ProcessData, type ProcessDataOptions } from "./process-data.ts";
export type { ProcessResult } from "./process-result.ts";
