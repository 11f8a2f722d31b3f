/**
 * The module a child process imports to run process_data: it reads its settings from its own URL, the one thing that
 * reaches a child of any engine. In a process of its own a run may end that process, which is the last resort against a
 * query that takes all memory inside one step of DuckDB.
 */
import { channelsIn } from "./ingest/channel-folders.ts";
import { processData, settingsIn } from "./process-data.ts";

const settings = settingsIn(import.meta.url);
if (settings.channelsFolder === undefined) throw new Error("A child process reaches channels in a folder alone: give process_data one.");

export const isolated = processData(settings, {
  channels: channelsIn(settings.channelsFolder),
  endProcess: () => process.kill(process.pid, "SIGKILL"),
});
