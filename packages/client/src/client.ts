/**
 * connect: the client, joined from its parts. A session keeps a connection; the book of requests says what goes over
 * it; users hold runs.
 */
import type {
  ActionDescription,
  JsonValue,
  ClientMessage,
  RequestMetadata,
  RequestOptions as WireOptions,
  RequestStatus,
  ServerMessage,
} from "@streamer/protocol";
import type { ActionTypes, Actions, ActionsOf, RequestArguments } from "./actions.ts";
import { StreamerError, cancelledUnsent } from "./errors.ts";
import { describe, type RequestInfo } from "./info.ts";
import { resolveOptions, resolveUrl, type ConnectOptions } from "./options.ts";
import { present } from "./present.ts";
import { createRequests } from "./requests.ts";
import { createRun, type Run } from "./run.ts";
import { createSession, type ConnectionState } from "./session.ts";
import type { RunReference, Tracker } from "./tracker.ts";

export interface RequestOptions {
  /** An id of your own, at most 128 characters, to find the request again from anywhere. Random by default. */
  readonly id?: string;
  /** Aborting it cancels the request. */
  readonly signal?: AbortSignal;
  /** `auto` (default) runs a request at once if it is expected to be short, and queues it otherwise. */
  readonly mode?: "auto" | "sync" | "async";
  /** 0–9; 9 runs first. Default 5. */
  readonly priority?: number;
  readonly delayMs?: number;
  readonly runAt?: Date | number;
  /** All requests that a user makes with the same key are one request. */
  readonly idempotencyKey?: string;
  /** The longest time that one attempt may run. */
  readonly timeoutMs?: number;
  readonly maxAttempts?: number;
  /** Kept with the request and shown by `get`: at most 32 strings (of at most 1024 characters), numbers, booleans or nulls. */
  readonly metadata?: RequestMetadata;
}

export interface ListQuery {
  readonly status?: RequestStatus;
  readonly action?: string;
  /** 1–100. Default 20. */
  readonly limit?: number;
  /** The cursor of the previous page. */
  readonly cursor?: string;
}

export interface Client<A = Actions> extends AsyncDisposable {
  readonly state: ConnectionState;
  /** Calls `listener` after each change of the connection. Returns a function that unsubscribes. */
  onState(listener: (state: ConnectionState) => void): () => void;
  /**
   * Sends a request. It never throws: if something is wrong with the request, the promises of the run reject.
   * @example const run = client.request("resize_images", { album: "a1", width: 640 });
   */
  request<Name extends keyof A & string>(
    action: Name,
    ...input: RequestArguments<(A[Name] & ActionTypes)["input"], RequestOptions>
  ): Run<(A[Name] & ActionTypes)["output"]>;
  /**
   * Follows a request that was made elsewhere, or before a reload. Given its id, it starts at the beginning or after a
   * seq; given what `run.toJSON()` returned, it continues where that run was.
   */
  attach<Output = unknown>(request: string | RunReference, options?: { readonly after?: number }): Run<Output>;
  /** Queues a failed request again and follows it. */
  retry<Output = unknown>(requestId: string, reason?: string): Run<Output>;
  get(requestId: string): Promise<RequestInfo>;
  /** One page, newest first, without results. It may be short or empty and still have a cursor: go on while there is one. */
  list(query?: ListQuery): Promise<{ readonly items: readonly RequestInfo[]; readonly cursor?: string }>;
  /** The actions of the server, with their limits and the JSON Schemas of their inputs and outputs. */
  actions(): Promise<readonly ActionDescription[]>;
  /** Closes the connection. Requests continue on the server; runs that have not ended reject with CLIENT_CLOSED. */
  close(): Promise<void>;
}

/**
 * Connects, and stays connected until `close()`.
 * @example const client = connect<typeof handlers>("ws://localhost:8080", { token });
 */
export function connect<Handlers = undefined>(
  url: string,
  options: ConnectOptions,
): Client<[Handlers] extends [undefined] ? Actions : ActionsOf<Handlers>>;
export function connect(url: string, connectOptions: ConnectOptions): Client {
  const options = resolveOptions(connectOptions);
  const requests = createRequests({ options, isUp: () => session.state.status === "open", send: (text) => session.send(text) });
  const session = createSession(resolveUrl(url), options, {
    onUp: requests.up,
    onMessage: requests.receive,
    onStumble: requests.stumble,
    onDown: requests.down,
    onGiveUp: (error) => requests.fail((requestId) => about(error, requestId)),
  });
  session.start();

  /** What is said of anything asked after the end. */
  function closedError(requestId?: string): StreamerError | undefined {
    const { state } = session;
    if (state.status !== "closed") return undefined;
    return about(state.error ?? new StreamerError("CLIENT_CLOSED", "The client was closed."), requestId);
  }

  const runOf = <Output>(tracker: Tracker): Run<Output> => createRun(tracker, requests);

  /** Follows with `begin` unless the client is closed. */
  function start<Output>(id: string, begin: () => Tracker): Run<Output> {
    const closed = closedError(id);
    return runOf(closed ? requests.refused(id, closed) : begin());
  }

  async function ask<T extends "snapshot" | "list" | "actions">(message: Parameters<typeof requests.ask>[0]): Promise<ServerMessage<T>> {
    const closed = closedError();
    if (closed) throw closed;
    return (await requests.ask(message)) as ServerMessage<T>;
  }

  const client: Client = {
    get state() {
      return session.state;
    },
    onState: session.onState,
    request<Output>(action: string, payload?: unknown, wanted: RequestOptions = {}): Run<Output> {
      const id = wanted.id ?? randomId();
      const { signal } = wanted;
      if (signal?.aborted) return runOf(requests.refused(id, cancelledUnsent(id)));
      const run = start<Output>(id, () => {
        try {
          return requests.follow(id, requestMessage(id, action, payload as JsonValue | undefined, wanted));
        } catch (cause) {
          const problem = `The payload of "${action}" is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`;
          return requests.refused(id, new StreamerError("VALIDATION_ERROR", problem, { cause, requestId: id }));
        }
      });
      if (signal) cancelOnAbort(run, signal);
      return run;
    },
    attach(request, { after = 0 } = {}) {
      const reference = typeof request === "string" ? { id: request, after } : request;
      if (isReference(reference)) return start(reference.id, () => requests.attach(reference));
      const problem = "Attach to a request's id, or to what run.toJSON() gave.";
      return runOf(requests.refused("unknown", new StreamerError("VALIDATION_ERROR", problem)));
    },
    retry: (requestId, reason) =>
      start(requestId, () => requests.follow(requestId, present({ type: "retry", request_id: requestId, reason }))),
    async get(requestId) {
      return describe(await ask<"snapshot">({ type: "get", request_id: requestId }));
    },
    async list(query = {}) {
      const { items, cursor } = await ask<"list">({ type: "list", ...query });
      return present({ items: items.map(describe), cursor });
    },
    actions: async () => (await ask<"actions">({ type: "actions" })).items,
    async close() {
      const closing = session.close();
      requests.fail((requestId) => closedError(requestId)!);
      await closing;
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
  return client;
}

/** The same error, for one request of many. */
function about(error: StreamerError, requestId: string | undefined): StreamerError {
  if (requestId === undefined) return error;
  const { code, message, details, retry } = error;
  const hint = `${message} If request "${requestId}" was accepted it goes on at the server; attach to it from a new client.`;
  return new StreamerError(code, hint, { requestId, details, retry, cause: error });
}

function requestMessage(id: string, action: string, payload: JsonValue | undefined, wanted: RequestOptions): ClientMessage<"request"> {
  const { mode, priority, delayMs, runAt, idempotencyKey, timeoutMs, maxAttempts, metadata } = wanted;
  const options = present<WireOptions>({
    mode,
    priority,
    delay_ms: delayMs,
    run_at: runAt === undefined ? runAt : Number(runAt),
    idempotency_key: idempotencyKey,
    timeout_ms: timeoutMs,
    max_attempts: maxAttempts,
  });
  return present({ type: "request", id, action, payload, metadata, options: Object.keys(options).length > 0 ? options : undefined });
}

/** It comes from where a user kept it: anything may have happened to it. */
function isReference(value: RunReference | null | undefined): value is RunReference {
  return typeof value?.id === "string" && Number.isSafeInteger(value.after) && ["string", "undefined"].includes(typeof value.frame);
}

function cancelOnAbort(run: Run, signal: AbortSignal): void {
  const abort = (): void => {
    const { reason } = signal as { reason: unknown };
    void run.cancel(reason instanceof Error ? reason.message : typeof reason === "string" ? reason : undefined);
  };
  signal.addEventListener("abort", abort, { once: true });
  void run.result.catch(() => undefined).finally(() => signal.removeEventListener("abort", abort));
}

/** 128 random bits. `crypto.randomUUID` would be missing on pages served without TLS. */
function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
