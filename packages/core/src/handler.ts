/**
 * The surface authors write against: `defineHandler` and the context a run is given. Nothing here names an engine.
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { JsonObject, JsonValue, RequestMetadata, TypedAction } from "@streamer/protocol";
import type { BlobBody, OpenedBlob, PutOptions } from "./ports/blobs.ts";
import type { Log } from "./ports/log.ts";
import type { BatchingOptions } from "./rules/batching.ts";
import { checkedDeclaration } from "./rules/declaration.ts";
import type { RetryPolicy } from "./rules/retry.ts";

/** What a handler can read about the request it runs. */
export interface RunningRequest {
  readonly id: string;
  readonly action: string;
  /** 1 for the first run; increases with every further one. */
  readonly attempt: number;
  readonly userId: string;
  readonly tenantId: string;
  readonly permissions: readonly string[];
  readonly metadata: RequestMetadata;
}

/** A stored file. `url` and `expiresAt` stand for a link that is signed anew whenever the result is read (P7). */
export interface StoredBlob {
  readonly url: string;
  /** ISO 8601. */
  readonly expiresAt: string;
  readonly sizeBytes: number;
}

export interface HandlerBlobs {
  /** Stores a body under `name`, which is private to this request. All or nothing. */
  put(name: string, body: BlobBody, options?: PutOptions): Promise<StoredBlob>;
  /** Stores a finished local file, usually from `ctx.scratch()`. The file is moved instead of copied where the engine can. */
  putFile(name: string, path: string, options?: PutOptions): Promise<StoredBlob>;
  /**
   * Opens a file of this request or, given its id, of another request of the same user. Resolves to undefined when there is
   * none. Files of other users are never found (P10).
   */
  open(name: string, from?: { readonly requestId: string }): Promise<OpenedBlob | undefined>;
  /** Removes this request's files whose names start with `prefix`. It works in a stopped run too, for cleaning up. */
  removeAll(prefix: string): Promise<void>;
}

export interface HandlerContext {
  /** Aborted when the run must stop; its reason is a `Stopped` that says why. */
  readonly signal: AbortSignal;
  readonly request: RunningRequest;
  /**
   * Reports progress, 0–100. Values are clamped and never decrease within an attempt. Calls are cheap: updates are sent in
   * batches. A string `stage` in the metadata becomes the stage of the progress message; a new stage is sent at once.
   */
  report(percentage: number, message?: string, metadata?: JsonObject): void;
  /** Adds a value to the metadata of every later progress message. */
  setMetadata(key: string, value: JsonValue): void;
  /** Sends ordered, durable data in addition to progress, such as tokens or rows. Await it, so that a slow store slows the handler. */
  partial(stream: string, data: JsonValue): Promise<void>;
  /** Saves state durably. The next attempt finds it in `resumed`. */
  checkpoint(state: JsonValue): Promise<void>;
  /** The newest checkpoint of an earlier attempt. */
  readonly resumed: JsonValue | undefined;
  readonly blobs: HandlerBlobs;
  /** Creates a private local folder for this run. It is deleted when the run ends. */
  scratch(): Promise<string>;
  readonly log: Log;
}

export interface HandlerDefinition<Action extends string, Schema extends StandardSchemaV1, Output> {
  /** Lower-case words joined by `_`, `-` or `.`; unique within a Streamer. */
  readonly action: Action;
  /** One sentence for people who list the actions. */
  readonly description?: string;
  /** Any Standard Schema (zod, valibot, arktype…). `run` receives its output. */
  readonly input: Schema;
  /**
   * A schema of what `run` returns, for people and tools that list the actions. Results are not checked against it; give
   * `run` its type as return type, and the compiler checks them.
   */
  readonly output?: StandardSchemaV1;
  /** Expected run time in ms: a constant, or a function of the input. Up to the threshold (5 s) the request is answered at once. */
  readonly estimate?: number | ((input: StandardSchemaV1.InferOutput<Schema>) => number);
  /** How failed attempts are retried. A client may ask for fewer attempts, not for more. */
  readonly retry?: Partial<RetryPolicy>;
  /**
   * The longest that one attempt may run, in ms; a fraction is rounded up. Default 1 hour, at most 7 days. A client may ask
   * for less, not for more.
   */
  readonly timeoutMs?: number;
  /** How many runs may be in progress at once: of this action, and of this action for one tenant. Default unlimited. */
  readonly concurrency?: { readonly total?: number; readonly perTenant?: number };
  /** The highest priority that a client may ask for, 0–9. Default 9, or what the server allows. */
  readonly maxPriority?: number;
  /** Permissions that the user's token must carry, all of them. Default none. */
  readonly permissions?: readonly string[];
  /**
   * `import.meta.url` of the module that exports this handler: the embedded engine then runs it in a worker process,
   * so that heavy work never delays the sockets. On Lambda every run has a process of its own anyway.
   */
  readonly isolate?: string;
  /** `false`: it needs no network, and its worker process has none where the system allows that. Default true. */
  readonly network?: boolean;
  /** When updates are sent, and how many together. */
  readonly progress?: Partial<BatchingOptions>;
  /**
   * What users are told of the percentages that `report` is given. `"work"`, the default: what you report. `"time"`: which
   * part of its time such a run has behind it when it reports that much, learned from recorded runs; until there are
   * five, what you report. For work whose parts take unequal time.
   */
  readonly percentages?: "work" | "time";
  readonly run: (input: StandardSchemaV1.InferOutput<Schema>, ctx: HandlerContext) => Promise<Output> | Output;
}

/** A declared handler. Its type tells clients the input of its schema and the result of `run`. */
export interface Handler<Action extends string = string, Schema extends StandardSchemaV1 = StandardSchemaV1, Output = unknown>
  extends HandlerDefinition<Action, Schema, Output>, TypedAction<Action, StandardSchemaV1.InferInput<Schema>, Output> {}

/** Any handler, whatever its types: what collections of handlers hold. */
// oxlint-disable-next-line no-explicit-any -- input is contravariant: only `any` lets differently typed handlers share a list
export type AnyHandler = Handler<string, any, any>;

/**
 * Declares a handler. Throws a TypeError that says what to change when the declaration is malformed.
 *
 * @example
 * export const greet = defineHandler({
 *   action: "greet",
 *   input: z.object({ name: z.string() }),
 *   estimate: 5,
 *   run: ({ name }) => ({ greeting: `Hello, ${name}` }),
 * });
 */
export function defineHandler<const Action extends string, Schema extends StandardSchemaV1, Output>(
  definition: HandlerDefinition<Action, Schema, Output>,
): Handler<Action, Schema, Output> {
  return Object.freeze(checkedDeclaration(definition));
}
