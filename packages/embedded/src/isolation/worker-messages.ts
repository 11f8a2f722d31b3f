/**
 * What parent and worker process say to each other (structured clone over the IPC channel). Every message names its
 * run: words about one that is over are ignored.
 */
import type { JsonObject, JsonValue } from "@streamer/protocol";
import type { ErrorDescription, LogFields, PutOptions, RunningRequest, StoredBlob } from "@streamer/core";

/** Calls a run makes to its context and waits for. */
export interface WorkerCalls {
  partial(stream: string, data: JsonValue): Promise<void>;
  checkpoint(state: JsonValue): Promise<void>;
  scratch(): Promise<string>;
  putFile(name: string, path: string, options?: PutOptions): Promise<StoredBlob>;
  /** Copies a blob into a file of the run's own folder. */
  fetchBlob(name: string, from?: { readonly requestId: string }): Promise<FetchedBlob | undefined>;
  removeBlobs(prefix: string): Promise<void>;
}

interface FetchedBlob {
  readonly path: string;
  readonly sizeBytes: number;
  readonly contentType: string;
}

export type ToWorker =
  | {
      readonly type: "run";
      readonly run: number;
      readonly module: string;
      readonly action: string;
      readonly input: unknown;
      readonly request: RunningRequest;
      readonly resumed: JsonValue | undefined;
    }
  | { readonly type: "abort"; readonly run: number; readonly reason: ErrorDescription }
  | { readonly type: "reply"; readonly run: number; readonly call: number; readonly answer: Answer };

export type FromWorker =
  | { readonly type: "report"; readonly run: number; readonly update: readonly [number, string | undefined, JsonObject | undefined] }
  | { readonly type: "metadata"; readonly run: number; readonly key: string; readonly value: JsonValue }
  | {
      readonly type: "log";
      readonly run: number;
      readonly level: "debug" | "info" | "warn" | "error";
      readonly fields: LogFields;
      readonly message: string;
    }
  | {
      readonly type: "call";
      readonly run: number;
      readonly call: number;
      readonly name: keyof WorkerCalls;
      readonly args: readonly unknown[];
    }
  | { readonly type: "ended"; readonly run: number; readonly answer: Answer; readonly rssBytes: number };

export type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: ErrorDescription };
