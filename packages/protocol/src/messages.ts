/**
 * Every frame of wire protocol v1, named by direction. One declaration gives both the type and the check (fields.ts);
 * docs/protocol.md describes the same frames for people.
 *
 * A server frame with a `seq` is part of the durable life of its request; one without is an answer to the frame that
 * asked, and says so by echoing its `ref`.
 */
import {
  boolean,
  error,
  integer,
  json,
  jsonObject,
  list,
  number,
  object,
  oneOf,
  optional,
  scalarMap,
  status,
  text,
  type Infer,
} from "./fields.ts";

export const MAX_ID_LENGTH = 128;
const id = text(1, MAX_ID_LENGTH);
const ref = optional(id);
const epochMs = integer(0);

/** A request may be put off so long, by `delay_ms` or `run_at`. */
export const MAX_DELAY_MS = 366 * 86_400_000;
export const REQUEST_MODES = ["auto", "sync", "async"] as const;
const requestOptions = object({
  mode: optional(oneOf(...REQUEST_MODES)),
  /** 9 runs first. Default 5. */
  priority: optional(integer(0, 9)),
  delay_ms: optional(integer(0, MAX_DELAY_MS)),
  run_at: optional(epochMs),
  idempotency_key: optional(id),
  timeout_ms: optional(integer(1, 7 * 86_400_000)),
  max_attempts: optional(integer(1, 100)),
  /** Receive this request's events on this connection. Default true. */
  subscribe: optional(boolean),
});

const requestMetadata = scalarMap(32, 1_024);

export const CLIENT_SHAPES = {
  request: {
    id: optional(id),
    action: text(1, 128),
    payload: optional(json),
    metadata: optional(requestMetadata),
    options: optional(requestOptions),
  },
  subscribe: { request_id: id, after: optional(integer(0)), ref },
  unsubscribe: { request_id: id, ref },
  cancel: { request_id: id, reason: optional(text(0, 1_024)), ref },
  retry: { request_id: id, reason: optional(text(0, 1_024)), ref },
  get: { request_id: id, ref },
  list: { status: optional(status), action: optional(text(1, 128)), limit: optional(integer(1, 100)), cursor: optional(text(1, 512)), ref },
  ping: { ref },
  actions: { ref },
} as const;

const about = { request_id: id, timestamp: epochMs };
const event = { ...about, seq: integer(1) };
const eta = object({ p50_ms: integer(0), p90_ms: integer(0) });
const update = {
  percentage: number(0, 100),
  message: optional(text(0, 1_024)),
  stage: optional(text(0, 128)),
  metadata: optional(jsonObject),
};
/** Without a `timestamp` it was made within a second before its message. */
const progressUpdate = object({ ...update, timestamp: optional(epochMs) });

export const WAITING_REASONS = [
  "queue",
  "tenant_concurrency",
  "action_concurrency",
  "rate_limit",
  "backoff",
  "scheduled",
  "no_worker",
] as const;
export const CANCELLATION_STAGES = ["requested", "observed", "stopped", "too_late"] as const;
/** Updates that one progress frame may carry. */
export const MAX_COALESCED_UPDATES = 64;

const snapshotBody = {
  ...about,
  seq: integer(0),
  action: text(1, 128),
  status,
  attempt: integer(0),
  created_at: epochMs,
  run_at: optional(epochMs),
  ended_at: optional(epochMs),
  waiting_for: optional(oneOf(...WAITING_REASONS)),
  position: optional(integer(0)),
  progress: optional(object(update)),
  result: optional(json),
  error: optional(error),
  metadata: optional(requestMetadata),
};

/** What a handler does and takes. `input` and `output` are JSON Schemas, draft 7. */
const actionDescription = {
  action: text(1, 128),
  description: optional(text(0, Infinity)),
  input: optional(jsonObject),
  output: optional(jsonObject),
  estimated_ms: optional(number(0, Infinity)),
  timeout_ms: number(0, Infinity),
  max_attempts: integer(1),
  max_priority: optional(integer(0, 9)),
  calibration: optional(object({ within_p90: number(0, 1), runs: integer(1) })),
  concurrency: optional(object({ total: optional(number(0, Infinity)), per_tenant: optional(number(0, Infinity)) })),
  permissions: list(text(1, Infinity), Infinity),
};

export const SERVER_SHAPES = {
  welcome: {
    timestamp: epochMs,
    connection_id: id,
    epoch: text(1, 128),
    protocol: text(1, 32),
    server_version: text(1, 64),
    heartbeat_ms: integer(1),
    limits: object({ message_bytes: integer(1), depth: integer(1), messages_per_second: integer(1) }),
  },
  pong: { timestamp: epochMs, ref },
  response: {
    ...about,
    success: boolean,
    data: optional(json),
    error: optional(error),
    metadata: object({ processing_ms: number(0, Number.MAX_SAFE_INTEGER) }),
  },
  acknowledgment: {
    ...event,
    status: oneOf("queued", "processing"),
    message: text(0, 1_024),
    estimated_ms: optional(integer(0)),
    eta: optional(eta),
    position: optional(integer(0)),
    waiting_for: optional(oneOf(...WAITING_REASONS)),
    until: optional(epochMs),
  },
  waiting: { ...event, reason: oneOf(...WAITING_REASONS), position: optional(integer(0)), eta: optional(eta), until: optional(epochMs) },
  progress: {
    ...event,
    ...update,
    attempt: integer(1),
    eta: optional(eta),
    updates: optional(list(progressUpdate, MAX_COALESCED_UPDATES)),
    omitted: optional(integer(1)),
  },
  partial: { ...event, stream: text(1, 128), index: integer(0), data: json },
  retrying: { ...event, attempt: integer(1), retry_at: epochMs, error },
  cancellation: { ...about, seq: optional(integer(1)), stage: oneOf(...CANCELLATION_STAGES), reason: optional(text(0, 1_024)), ref },
  complete: {
    ...event,
    result: optional(json),
    metadata: object({ attempts: integer(1), queue_ms: integer(0), run_ms: integer(0) }),
  },
  error: { timestamp: epochMs, request_id: optional(id), seq: optional(integer(1)), error, ref },
  snapshot: { ...snapshotBody, recovered: boolean, ref },
  list: { timestamp: epochMs, items: list(object(snapshotBody), 100), cursor: optional(text(1, 512)), ref },
  actions: { timestamp: epochMs, items: list(object(actionDescription), Infinity), ref },
  /** A piece of a frame that is too large for the transport: parts.ts. */
  part: { id, index: integer(0), count: integer(1), text: text(0, Infinity) },
} as const;

type ClientFrames = { [T in keyof typeof CLIENT_SHAPES]: { readonly type: T } & Infer<(typeof CLIENT_SHAPES)[T]> };
type ServerFrames = { [T in keyof typeof SERVER_SHAPES]: { readonly type: T } & Infer<(typeof SERVER_SHAPES)[T]> };

export type ClientMessageType = keyof ClientFrames;
export type ServerMessageType = keyof ServerFrames;
/** A frame from client to server; with a type argument, the frames of that type. */
export type ClientMessage<T extends ClientMessageType = ClientMessageType> = ClientFrames[T];
/** A frame from server to client; with a type argument, the frames of that type. */
export type ServerMessage<T extends ServerMessageType = ServerMessageType> = ServerFrames[T];

export type RequestOptions = NonNullable<ClientMessage<"request">["options"]>;
/** What a client keeps with a request. */
export type RequestMetadata = NonNullable<ClientMessage<"request">["metadata"]>;
export type Eta = NonNullable<ServerMessage<"progress">["eta"]>;
export type ActionDescription = ServerMessage<"actions">["items"][number];
export type ProgressUpdate = NonNullable<ServerMessage<"progress">["updates"]>[number];
export type CancellationStage = (typeof CANCELLATION_STAGES)[number];
export type WaitingReason = (typeof WAITING_REASONS)[number];
