/**
 * What parent and worker process say to each other. Every message names its run: words about one that is over are
 * ignored. What a handler hands over crosses as JSON that was measured in the worker, so that no value of a handler can
 * fill the parent's memory or hold its loop; only the input, which the parent has checked, is cloned.
 */
import type { ErrorDescription, Log, RunningRequest, StoredBlob, PutOptions } from "@streamer/core";
import type { JsonObject, JsonValue } from "@streamer/protocol";

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
      /** Largest result, partial or checkpoint, in characters of JSON. */
      readonly valueLength: number;
    }
  | { readonly type: "abort"; readonly run: number; readonly reason: ErrorDescription }
  | { readonly type: "reply"; readonly run: number; readonly call: number; readonly answer: Reply }
  /** So much of what the run said has been dealt with. */
  | { readonly type: "heard"; readonly run: number; readonly weight: number };

/** Metadata for every later progress message, by key, and one report: what a handler says in a loop becomes one of these. */
export interface ProgressNews {
  readonly shared?: JsonObject;
  readonly update?: readonly [percentage: number, message: string | undefined, metadata: JsonObject | undefined];
}

export interface LogLine {
  readonly level: keyof Log;
  readonly fields: JsonObject;
  /** The fields that are errors. */
  readonly errors?: Readonly<Record<string, ErrorDescription>>;
  readonly message: string;
}

export interface Call {
  readonly call: number;
  readonly name: keyof WorkerCalls;
  /** JSON of an array. */
  readonly args: string;
}

export type FromWorker =
  /** The program has been loaded: before that it could not be started. */
  | { readonly type: "ready" }
  /** The run has arrived: what an earlier one left behind does not hold this process. */
  | { readonly type: "began"; readonly run: number }
  | ({ readonly type: "progress"; readonly run: number; readonly weight: number } & ProgressNews)
  | ({ readonly type: "log"; readonly run: number; readonly weight: number } & LogLine)
  | ({ readonly type: "call"; readonly run: number } & Call)
  | {
      readonly type: "ended";
      readonly run: number;
      readonly answer: Answer;
      readonly rssBytes: number;
      readonly cpuSeconds: number;
      /** Something of the run may still be going on: nothing else may run in this process. */
      readonly isSpent: boolean;
    }
  /** An error that nobody caught, of a run that had ended. */
  | { readonly type: "stray"; readonly requestId: string; readonly action: string; readonly error: ErrorDescription };

/** `json` is absent where the handler returned nothing. */
export type Answer = { readonly ok: true; readonly json?: string } | { readonly ok: false; readonly error: ErrorDescription };
export type Reply = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: ErrorDescription };
