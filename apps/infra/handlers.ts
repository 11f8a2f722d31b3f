/**
 * The handlers that are deployed unless another module is named (-c handlers=path). A module of your own exports
 * `handlers` as this one does; it is bundled into the functions that know the handlers.
 */
import { DATA_FOLDER } from "@streamer/aws/settings";
import { createHandlers } from "@streamer/handlers";

/** Lambda's only writable folder. It belongs to one process and goes with it. */
const SCRATCH_FOLDER = "/tmp/streamer-handlers";

export const handlers = createHandlers({ dataFolder: SCRATCH_FOLDER, reports: { dataFolder: DATA_FOLDER } });
