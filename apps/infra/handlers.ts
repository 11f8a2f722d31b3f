/**
 * The handlers that are deployed unless another module is named (-c handlers=path). A module of your own exports
 * `handlers` as this one does; it is bundled into the functions that know the handlers.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bucketIn } from "@streamer/aws/bucket";
import { DATA_FOLDER } from "@streamer/aws/settings";
import { createHandlers, objectChannels } from "@streamer/handlers";
import { PREFIXES } from "./src/prefixes.ts";

/** On Lambda in /tmp, its only writable folder. It belongs to one process and goes with it. */
const SCRATCH_FOLDER = join(tmpdir(), "streamer-handlers");

export const handlers = createHandlers({
  dataFolder: SCRATCH_FOLDER,
  reports: { dataFolder: DATA_FOLDER },
  // Each run has a process of its own here, which the next attempt does not miss.
  processing: { endProcess: () => process.kill(process.pid, "SIGKILL") },
  channels: objectChannels(bucketIn(process.env), PREFIXES.channels),
});
