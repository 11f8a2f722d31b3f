/** What a worker process may ask of its run's real context. Bodies cross the process boundary as files of the run's own folder. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { HandlerContext } from "@streamer/core";
import { writeBody } from "../blobs/body-file.ts";
import type { WorkerCalls } from "./worker-messages.ts";

export function workerCalls(ctx: HandlerContext): WorkerCalls {
  const { partial, checkpoint, scratch, blobs, signal } = ctx;
  return {
    partial,
    checkpoint,
    scratch,
    putFile: blobs.putFile,
    removeBlobs: blobs.removeAll,
    fetchBlob: async (name, from) => {
      const opened = await blobs.open(name, from);
      if (!opened) return undefined;
      const path = join(await scratch(), `.blob-${randomUUID()}`);
      await writeBody(path, opened.body, signal);
      return { path, sizeBytes: opened.sizeBytes, contentType: opened.contentType };
    },
  };
}
