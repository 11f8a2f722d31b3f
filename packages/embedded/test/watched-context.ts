/** A context that writes down what a run does to it, for tests of worker processes. */
import { mkdtemp, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { HandlerContext, LogFields } from "@streamer/core";

export interface Seen {
  readonly ctx: HandlerContext;
  readonly controller: AbortController;
  /** Everything the run did to its context, in order. */
  readonly story: unknown[][];
  /** Resolves at the first report. */
  readonly reported: Promise<void>;
}

export function watch(folder: string): Seen {
  const story: unknown[][] = [];
  const controller = new AbortController();
  const reported = Promise.withResolvers<void>();
  const note = (fields: LogFields, message: string): void => void story.push(["log", fields, message]);
  const ctx: HandlerContext = {
    signal: controller.signal,
    request: { id: "r", action: "a", attempt: 2, userId: "u", tenantId: "t", permissions: ["p"], metadata: { m: "1" } },
    resumed: { at: 7 },
    report: (...update) => {
      story.push(["report", ...update.filter((part) => part !== undefined)]);
      reported.resolve();
    },
    setMetadata: (...entry) => void story.push(["metadata", ...entry]),
    partial: async (...part) => void story.push(["partial", ...part]),
    checkpoint: async (state) => void story.push(["checkpoint", state]),
    scratch: () => mkdtemp(join(folder, "run-")),
    log: { debug: note, info: note, warn: note, error: note },
    blobs: {
      put: () => Promise.reject(new Error("bodies stay in the worker")),
      putFile: async (name, path, options) => {
        story.push(["putFile", name, await readFile(path, "utf8"), options]);
        return { url: `url of ${name}`, expiresAt: "later", sizeBytes: 1 };
      },
      open: async (name, from) => {
        story.push(["open", name, from]);
        if (name !== "model.json") return undefined;
        return { body: new Blob(["learned"]).stream(), sizeBytes: 7, contentType: "application/json" };
      },
      removeAll: async (prefix) => void story.push(["removeAll", prefix]),
    },
  };
  return { ctx, controller, story, reported: reported.promise };
}
