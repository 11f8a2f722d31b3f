/** A context for testing a handler as a function: it records what the handler says. Copy it and make it yours. */
import { Stopped, type HandlerContext, type JsonValue, type StopReason } from "@streamer/core";

export interface Recording {
  readonly ctx: HandlerContext;
  readonly reports: { readonly percentage: number; readonly message: string | undefined }[];
  readonly partials: { readonly stream: string; readonly data: JsonValue }[];
  readonly checkpoints: JsonValue[];
  readonly files: Map<string, string>;
  stop(reason: StopReason): void;
}

export function recordingContext(resumed?: JsonValue): Recording {
  const controller = new AbortController();
  const files = new Map<string, string>();
  const recording: Omit<Recording, "ctx"> = {
    reports: [],
    partials: [],
    checkpoints: [],
    files,
    stop: (reason) => controller.abort(new Stopped(reason)),
  };
  const ignore = (): void => {};
  const ctx: HandlerContext = {
    signal: controller.signal,
    request: { id: "r1", action: "test", attempt: 1, userId: "u1", tenantId: "t1", permissions: [], metadata: {} },
    resumed,
    report: (percentage, message) => void recording.reports.push({ percentage, message }),
    setMetadata: ignore,
    partial: async (stream, data) => void recording.partials.push({ stream, data }),
    checkpoint: async (state) => void recording.checkpoints.push(state),
    scratch: () => Promise.reject(new Error("This test's handler should not need scratch space.")),
    blobs: {
      put: async (name, body) => {
        const content = await new Response(body as BodyInit).text();
        files.set(name, content);
        return { url: `memory:${name}`, expiresAt: new Date(0).toISOString(), sizeBytes: Buffer.byteLength(content) };
      },
      putFile: () => Promise.reject(new Error("This test's handler should not store local files.")),
      open: () => Promise.reject(new Error("This test's handler should not read files back.")),
      removeAll: () => Promise.reject(new Error("This test's handler should not remove files.")),
    },
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  };
  return { ...recording, ctx };
}
