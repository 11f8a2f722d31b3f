/** Arbitrary frames of every type, at the edges of what messages.ts allows. A frame type without one does not compile. */
import fc from "fast-check";
import {
  CANCELLATION_STAGES,
  ERROR_CODES,
  MAX_ID_LENGTH,
  REQUEST_MODES,
  REQUEST_STATUSES,
  WAITING_REASONS,
  type ClientMessage,
  type ClientMessageType,
  type ErrorCode,
  type JsonValue,
  type ServerMessage,
  type ServerMessageType,
} from "../src/index.ts";

const text = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: "grapheme", minLength, maxLength, size: "small" }).filter(({ length }) => length >= minLength && length <= maxLength);
const id = text(1, MAX_ID_LENGTH);
const time = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const count = fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER));
const positive = fc.integer({ min: 1, max: 1_000_000 });
const percentage = fc.double({ min: 0, max: 100, noNaN: true }).map((value) => value + 0);
// JSON has one zero: -0 is printed as 0.
const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);
const jsonObject = fc.dictionary(fc.string({ maxLength: 8 }), json, { maxKeys: 4 });
const scalar = fc.oneof(
  fc.string({ maxLength: 16 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  fc.boolean(),
  fc.constant(null),
);
const scalars = fc.dictionary(fc.string({ maxLength: 16 }), scalar, { maxKeys: 4 });
const eta = fc.record({ p50_ms: count, p90_ms: count });
const error = fc.record(
  {
    code: fc.constantFrom(...(Object.keys(ERROR_CODES) as ErrorCode[])),
    message: fc.string(),
    details: jsonObject,
    retry: fc.record({ retryable: fc.boolean(), after_ms: count }, { requiredKeys: ["retryable"] }),
  },
  { requiredKeys: ["code", "message"] },
);

type Fields = Readonly<Record<string, fc.Arbitrary<unknown>>>;

/** A frame: its type, what is always there, and what may be. */
function frame(type: string, required: Fields, optional: Fields): fc.Arbitrary<unknown> {
  return fc.record({ type: fc.constant(type), ...required, ...optional }, { requiredKeys: ["type", ...Object.keys(required)] as "type"[] });
}

const options = fc.record(
  {
    mode: fc.constantFrom(...REQUEST_MODES),
    priority: fc.integer({ min: 0, max: 9 }),
    delay_ms: fc.integer({ min: 0, max: 366 * 86_400_000 }),
    run_at: time,
    idempotency_key: id,
    timeout_ms: fc.integer({ min: 1, max: 7 * 86_400_000 }),
    max_attempts: fc.integer({ min: 1, max: 100 }),
    subscribe: fc.boolean(),
  },
  { requiredKeys: [] },
);
const reason = text(0, 1_024);
const status = fc.constantFrom(...REQUEST_STATUSES);
const ref = id;

export const CLIENT_FRAMES: Readonly<Record<ClientMessageType, fc.Arbitrary<unknown>>> = {
  request: frame("request", { action: text(1, 128) }, { id, payload: json, metadata: scalars, options }),
  subscribe: frame("subscribe", { request_id: id }, { after: count, ref }),
  unsubscribe: frame("unsubscribe", { request_id: id }, { ref }),
  cancel: frame("cancel", { request_id: id }, { reason, ref }),
  retry: frame("retry", { request_id: id }, { reason, ref }),
  get: frame("get", { request_id: id }, { ref }),
  list: frame("list", {}, { status, action: text(1, 128), limit: fc.integer({ min: 1, max: 100 }), cursor: text(1, 512), ref }),
  actions: frame("actions", {}, { ref }),
  ping: frame("ping", {}, { ref }),
};

const actionDescription = fc.record(
  {
    action: text(1, 128),
    timeout_ms: count,
    max_attempts: positive,
    permissions: fc.array(text(1, 20), { maxLength: 3 }),
    description: text(0, 300),
    input: jsonObject,
    output: jsonObject,
    estimated_ms: count,
    concurrency: fc.record({ total: positive, per_tenant: positive }, { requiredKeys: [] }),
    max_priority: fc.integer({ min: 0, max: 9 }),
    calibration: fc.record({ within_p90: fc.double({ min: 0, max: 1, noNaN: true }).map((share) => share + 0), runs: positive }),
  },
  { requiredKeys: ["action", "timeout_ms", "max_attempts", "permissions"] },
);
const about = { request_id: id, timestamp: time };
const event = { ...about, seq: positive };
const update = { message: text(0, 1_024), stage: text(0, 128), metadata: jsonObject };
const updates = fc.array(fc.record({ percentage, timestamp: time, ...update }, { requiredKeys: ["percentage"] }), {
  maxLength: 5,
});
const snapshot = { ...about, seq: count, action: text(1, 128), status, attempt: count, created_at: time };
const snapshotMore = {
  run_at: time,
  ended_at: time,
  waiting_for: fc.constantFrom(...WAITING_REASONS),
  position: count,
  progress: fc.record({ percentage, ...update }, { requiredKeys: ["percentage"] }),
  result: json,
  error,
  metadata: scalars,
};

export const SERVER_FRAMES: Readonly<Record<ServerMessageType, fc.Arbitrary<unknown>>> = {
  welcome: frame(
    "welcome",
    {
      timestamp: time,
      connection_id: id,
      epoch: text(1, 128),
      protocol: text(1, 32),
      server_version: text(1, 64),
      heartbeat_ms: positive,
      limits: fc.record({ message_bytes: positive, depth: positive, messages_per_second: positive }),
    },
    {},
  ),
  pong: frame("pong", { timestamp: time }, { ref }),
  response: frame(
    "response",
    { ...about, success: fc.boolean(), metadata: fc.record({ processing_ms: percentage }) },
    { data: json, error },
  ),
  acknowledgment: frame(
    "acknowledgment",
    { ...event, status: fc.constantFrom("queued", "processing"), message: reason },
    { estimated_ms: count, eta, position: count, waiting_for: fc.constantFrom(...WAITING_REASONS), until: count },
  ),
  waiting: frame("waiting", { ...event, reason: fc.constantFrom(...WAITING_REASONS) }, { position: count, eta, until: time }),
  progress: frame("progress", { ...event, percentage, attempt: positive }, { ...update, eta, updates, omitted: positive }),
  partial: frame("partial", { ...event, stream: text(1, 128), index: count, data: json }, {}),
  retrying: frame("retrying", { ...event, attempt: positive, retry_at: time, error }, {}),
  cancellation: frame("cancellation", { ...about, stage: fc.constantFrom(...CANCELLATION_STAGES) }, { seq: positive, reason, ref }),
  complete: frame("complete", { ...event, metadata: fc.record({ attempts: positive, queue_ms: count, run_ms: count }) }, { result: json }),
  error: frame("error", { timestamp: time, error }, { request_id: id, seq: positive, ref }),
  snapshot: frame("snapshot", { ...snapshot, recovered: fc.boolean() }, { ...snapshotMore, ref }),
  list: frame(
    "list",
    {
      timestamp: time,
      items: fc.array(fc.record({ ...snapshot, ...snapshotMore }, { requiredKeys: Object.keys(snapshot) as never[] }), { maxLength: 3 }),
    },
    { cursor: text(1, 512), ref },
  ),
  actions: frame("actions", { timestamp: time, items: fc.array(actionDescription, { maxLength: 3 }) }, { ref }),
  part: frame("part", { id, index: count, count: positive, text: text(0, 2_000) }, {}),
};

export const clientFrame = fc.oneof(...Object.values(CLIENT_FRAMES)) as fc.Arbitrary<ClientMessage>;
export const serverFrame = fc.oneof(...Object.values(SERVER_FRAMES)) as fc.Arbitrary<ServerMessage>;
