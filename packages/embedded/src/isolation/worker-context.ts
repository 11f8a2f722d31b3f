/**
 * The handler's context inside a worker process. What needs no answer is sent and forgotten, in order; the rest waits
 * for the parent. Under congestion only the newest report waits, so a handler that reports in a tight loop cannot fill
 * the memory.
 */
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { JsonObject } from "@streamer/protocol";
import { asError, restoreError, type HandlerContext, type Log, type LogFields } from "@streamer/core";
import { writeBody } from "../blobs/body-file.ts";
import type { Answer, FromWorker, WorkerCalls } from "./worker-messages.ts";

export interface WorkerContext {
  readonly run: number;
  readonly ctx: HandlerContext;
  abort(reason: Error): void;
  reply(call: number, answer: Answer): void;
  /** The run is over: whatever still uses the context speaks to nobody. */
  end(): void;
}

type Post = (message: FromWorker, onSent?: () => void) => boolean;

export function createWorkerContext(
  run: number,
  { request, resumed }: Pick<HandlerContext, "request" | "resumed">,
  post: Post,
): WorkerContext {
  const controller = new AbortController();
  const calls = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  const reports = createReports(run, post);
  let callCount = 0;
  let isOver = false;

  const call = <Name extends keyof WorkerCalls>(name: Name, ...args: Parameters<WorkerCalls[Name]>): ReturnType<WorkerCalls[Name]> =>
    new Promise((resolve, reject) => {
      if (isOver) {
        reject(new Error(`ctx.${name} was called after the run had ended.`));
        return;
      }
      reports.flush();
      callCount += 1;
      calls.set(callCount, { resolve, reject });
      post({ type: "call", run, call: callCount, name, args });
    }) as ReturnType<WorkerCalls[Name]>;

  const line =
    (level: keyof Log) =>
    (fields: LogFields, message: string): void => {
      if (!isOver) post({ type: "log", run, level, fields, message });
    };

  let folder: Promise<string> | undefined;
  let bodyCount = 0;
  const scratch = (): Promise<string> => (folder ??= call("scratch"));

  return {
    run,
    ctx: {
      signal: controller.signal,
      request,
      resumed,
      report: (percentage, message, metadata) => {
        if (!isOver) reports.add(percentage, message, metadata);
      },
      setMetadata: (key, value) => {
        if (isOver) return;
        reports.flush();
        post({ type: "metadata", run, key, value });
      },
      partial: (stream, data) => call("partial", stream, data),
      checkpoint: (state) => call("checkpoint", state),
      scratch,
      log: { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") },
      blobs: {
        // The body goes to a file of the run's own folder, which the parent then moves into the store.
        put: async (name, body, options) => {
          bodyCount += 1;
          const path = join(await scratch(), `.body-${bodyCount}`);
          await writeBody(path, body, controller.signal);
          return call("putFile", name, path, options);
        },
        putFile: (name, path, options) => call("putFile", name, path, options),
        open: async (name, from) => {
          const fetched = await call("fetchBlob", name, from);
          if (!fetched) return undefined;
          const { path, sizeBytes, contentType } = fetched;
          return { body: Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>, sizeBytes, contentType };
        },
        removeAll: (prefix) => call("removeBlobs", prefix),
      },
    },
    abort: (reason) => controller.abort(reason),
    reply: (number, answer) => {
      const waiting = calls.get(number);
      calls.delete(number);
      if (answer.ok) waiting?.resolve(answer.value as never);
      else waiting?.reject(asError(restoreError(answer.error)));
    },
    end: () => {
      reports.flush();
      isOver = true;
    },
  };
}

/** Reports go out one by one until the channel is congested; then the newest waits, with the metadata of those it replaces. */
function createReports(run: number, post: Post): { add(percentage: number, message?: string, metadata?: JsonObject): void; flush(): void } {
  let isCongested = false;
  let held: Extract<FromWorker, { type: "report" }>["update"] | undefined;
  const send = (update: NonNullable<typeof held>): void => {
    isCongested = !post({ type: "report", run, update }, () => {
      isCongested = false;
      flush();
    });
  };
  const flush = (): void => {
    const update = held;
    held = undefined;
    if (update) send(update);
  };
  return {
    flush,
    add: (percentage, message, metadata) => {
      if (!isCongested) send([percentage, message, metadata]);
      else held = [percentage, message ?? held?.[1], held?.[2] || metadata ? { ...held?.[2], ...metadata } : undefined];
    },
  };
}
