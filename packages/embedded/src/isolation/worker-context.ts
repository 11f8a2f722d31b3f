/**
 * The handler's context inside a worker process. Every value is measured here, where it was made: what is too large or
 * no JSON is refused as it would be in the server's process, and never crosses. What needs no answer is sent and
 * forgotten, in order; the rest waits for the parent.
 */
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { JsonObject } from "@streamer/protocol";
import {
  asError,
  assertStorable,
  MAX_MESSAGE_LENGTH,
  MAX_METADATA_BYTES,
  once,
  restoreError,
  type HandlerContext,
  type Log,
  type LogFields,
} from "@streamer/core";
import { writeBody } from "../blobs/body-file.ts";
import { logLine, plainMetadata } from "./worker-values.ts";
import type { FromWorker, Reply, ToWorker, WorkerCalls } from "./worker-messages.ts";
import { callWeight, createOutbox } from "./worker-outbox.ts";

export interface WorkerContext {
  readonly run: number;
  readonly ctx: HandlerContext;
  abort(reason: Error): void;
  reply(call: number, answer: Reply): void;
  heard(weight: number): void;
  /** The run is over: whatever still uses the context speaks to nobody. Resolves when what it said has been posted. */
  end(): Promise<void>;
}

export type RunTerms = Pick<Extract<ToWorker, { type: "run" }>, "run" | "request" | "resumed" | "valueLength">;

/** Names and other small arguments, beside the value. */
const ARGUMENTS_LENGTH = 65_536;

export function createWorkerContext({ run, request, resumed, valueLength }: RunTerms, post: (message: FromWorker) => void): WorkerContext {
  const controller = new AbortController();
  const outbox = createOutbox(run, post);
  const calls = new Map<number, { readonly weight: number; resolve(value: never): void; reject(error: Error): void }>();
  const sharedLengths = new Map<string, number>();
  let callCount = 0;
  let isOver = false;

  const send = async <Name extends keyof WorkerCalls>(name: Name, args: Parameters<WorkerCalls[Name]>): Promise<unknown> => {
    if (isOver) throw new Error(`ctx.${name} was called after the run had ended.`);
    callCount += 1;
    const call = {
      call: callCount,
      name,
      args: assertStorable(definedOf(args), `What ctx.${name} was given`, valueLength + ARGUMENTS_LENGTH),
    };
    const { promise, resolve, reject } = Promise.withResolvers();
    calls.set(callCount, { weight: callWeight(call), resolve, reject });
    outbox.call(call);
    return promise;
  };
  const call = <Name extends keyof WorkerCalls>(name: Name, ...args: Parameters<WorkerCalls[Name]>): ReturnType<WorkerCalls[Name]> =>
    unowned(send(name, args)) as ReturnType<WorkerCalls[Name]>;
  /** As `call`, for a value that is measured first. */
  const store = <Name extends "partial" | "checkpoint">(name: Name, value: unknown, what: string, ...args: Parameters<WorkerCalls[Name]>) =>
    unowned(
      (async (): Promise<void> => {
        assertStorable(value, what, valueLength);
        await send(name, args);
      })(),
    );

  const line =
    (level: keyof Log) =>
    (fields: LogFields, message: string): void => {
      if (!isOver) outbox.log(logLine(level, fields, message));
    };
  const complain = (problem: string): void => line("warn")({}, `progress was sent without its metadata: ${problem}`);

  let bodyCount = 0;
  const scratch = once(() => call("scratch"));

  return {
    run,
    ctx: {
      signal: controller.signal,
      request,
      resumed,
      report: (percentage, message, metadata) => {
        if (isOver) return;
        const plain = metadata === undefined ? undefined : (plainMetadata(metadata, complain) as JsonObject | undefined);
        outbox.progress({
          update: [typeof percentage === "number" ? percentage : Number.NaN, message?.slice(0, MAX_MESSAGE_LENGTH), plain],
        });
      },
      setMetadata: (key, value) => {
        if (isOver) return;
        const plain = plainMetadata(value, complain);
        if (plain === undefined) return;
        sharedLengths.set(key, key.length + JSON.stringify(plain).length);
        const length = Array.from(sharedLengths.values()).reduce((sum, each) => sum + each, 0);
        if (length <= MAX_METADATA_BYTES) outbox.progress({ shared: { [key]: plain } });
        else {
          sharedLengths.delete(key);
          complain(`"${key.slice(0, MAX_MESSAGE_LENGTH)}" would be more than ${MAX_METADATA_BYTES} characters in all`);
        }
      },
      partial: (stream, data) => store("partial", data, `Partial of stream "${stream}"`, stream, data),
      checkpoint: (state) => store("checkpoint", state, "Checkpoint", state),
      scratch,
      log: { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") },
      blobs: {
        // The body goes to a file of the run's own folder, which the parent then moves into the store.
        put: (name, body, options) =>
          unowned(
            (async () => {
              bodyCount += 1;
              const path = join(await scratch(), `.body-${bodyCount}`);
              await writeBody(path, body, controller.signal);
              return call("putFile", name, path, options);
            })(),
          ),
        putFile: (name, path, options) => call("putFile", name, path, options),
        open: (name, from) =>
          unowned(
            (async () => {
              const fetched = await call("fetchBlob", name, from);
              if (!fetched) return undefined;
              const { path, sizeBytes, contentType } = fetched;
              return { body: Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>, sizeBytes, contentType };
            })(),
          ),
        removeAll: (prefix) => call("removeBlobs", prefix),
      },
    },
    abort: (reason) => controller.abort(reason),
    heard: (weight) => outbox.heard(weight),
    reply: (number, answer) => {
      const waiting = calls.get(number);
      if (!waiting) return;
      calls.delete(number);
      outbox.heard(waiting.weight);
      if (answer.ok) waiting.resolve(answer.value as never);
      else waiting.reject(asError(restoreError(answer.error)));
    },
    end: () => {
      isOver = true;
      return outbox.emptied();
    },
  };
}

/** A promise that the handler may leave alone: its rejection is then nobody's, and still reaches whoever awaits it. */
function unowned<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}

/** JSON has no undefined: left out at the end. */
const definedOf = (args: readonly unknown[]): readonly unknown[] => args.slice(0, args.findLastIndex((arg) => arg !== undefined) + 1);
