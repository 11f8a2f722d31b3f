/**
 * Bytes to messages and back. Parsing refuses, it never throws: whatever arrives becomes a message or a typed error
 * that can be sent back (P12). Limits are checked before the text is parsed.
 */
import { acceptedMembers, checkShape, pick, type Shape } from "./fields.ts";
import { wireError, type ErrorCode, type WireError, type WireIssue } from "./error-codes.ts";
import { isJsonObject, overflowingNumber, shapeOf, type JsonObject } from "./json.ts";
import { asId, leadingIds } from "./leading-ids.ts";
import { CLIENT_SHAPES, SERVER_SHAPES, type ClientMessage, type ServerMessage } from "./messages.ts";

export interface FrameLimits {
  /** Largest frame in bytes of UTF-8. Default 1 MiB. */
  readonly messageBytes: number;
  /** Deepest nesting of arrays and objects. Default 32. */
  readonly depth: number;
}
export const DEFAULT_FRAME_LIMITS: FrameLimits = { messageBytes: 1_048_576, depth: 32 };

export type Parsed<M> = { readonly ok: true; readonly message: M } | Refusal;
export interface Refusal {
  readonly ok: false;
  readonly error: WireError;
  /** The id the frame spoke of, when that much could be read. */
  readonly requestId?: string;
  readonly ref?: string;
}

/** Reads a frame sent by a client. A frame without `type` but with `action` is a request, whose id may be `request_id`. */
export function parseClientMessage(data: string | Uint8Array, limits: FrameLimits = DEFAULT_FRAME_LIMITS): Parsed<ClientMessage> {
  const read = readObject(data, limits);
  if (!read.ok) return read.error.code === "PAYLOAD_TOO_LARGE" ? { ...read, ...leadingIds(data) } : read;
  const frame = read.message;
  const type = frame["type"] ?? (frame["action"] === undefined ? undefined : "request");
  if (type !== "request") return readFrame(CLIENT_SHAPES, type, frame);
  const named = frame["id"] === undefined && frame["request_id"] !== undefined ? { ...frame, id: frame["request_id"] } : frame;
  return readFrame(CLIENT_SHAPES, type, named);
}

/** Reads a frame sent by a server; a client ignores what is refused (a newer server may say more). */
export function parseServerMessage(
  data: string | Uint8Array,
  limits: FrameLimits = { messageBytes: 64 * 1_048_576, depth: 128 },
): Parsed<ServerMessage> {
  const read = readObject(data, limits);
  return read.ok ? readFrame(SERVER_SHAPES, read.message["type"], read.message) : read;
}

export function printMessage(message: ClientMessage | ServerMessage): string {
  return JSON.stringify(message);
}

// A byte order mark is no JSON, whether it comes as text or as bytes.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Bytes of UTF-8. */
export const byteLength = (data: string | Uint8Array): number => (typeof data === "string" ? encoder.encode(data) : data).length;

/** The same, as far as the limit; a string that is too long however it is encoded is not encoded to find out. */
function sizeOf(data: string | Uint8Array, limit: number): number {
  // A string's length is at most its bytes and at least a third of them: only the band between needs counting.
  const isKnown = typeof data !== "string" || data.length > limit || data.length * 3 <= limit;
  return isKnown ? data.length : encoder.encode(data).length;
}

function readObject(data: string | Uint8Array, limits: FrameLimits): Parsed<JsonObject> {
  const bytes = sizeOf(data, limits.messageBytes);
  if (bytes > limits.messageBytes) {
    return refuse(
      "PAYLOAD_TOO_LARGE",
      `The message has at least ${bytes} bytes; the limit is ${limits.messageBytes}. Send less, or upload the data and send where it is.`,
    );
  }
  let text: string;
  try {
    text = typeof data === "string" ? data : utf8.decode(data);
  } catch {
    return refuse("INVALID_MESSAGE", "The message is not valid UTF-8.");
  }
  const { depth, mayOverflow, inexact } = shapeOf(text, limits.depth);
  if (depth > limits.depth) {
    return refuse("INVALID_MESSAGE", `The message nests deeper than ${limits.depth} levels.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse("INVALID_MESSAGE", "The message is not valid JSON.");
  }
  if (!isJsonObject(value)) return refuse("INVALID_MESSAGE", "The message is not a JSON object.");
  const overflow = mayOverflow ? overflowingNumber(value) : undefined;
  if (overflow) {
    return refuse("INVALID_MESSAGE", `The number at ${overflow.join(".")} is too large to be kept; send it as a string.`, value);
  }
  if (inexact !== undefined) {
    return refuse("INVALID_MESSAGE", `The number ${inexact.slice(0, 40)} has more digits than can be kept; send it as a string.`, value);
  }
  return { ok: true, message: value };
}

function readFrame<M>(shapes: Readonly<Record<string, Shape>>, type: unknown, frame: JsonObject): Parsed<M> {
  if (typeof type !== "string" || !Object.hasOwn(shapes, type)) {
    const said = typeof type === "string" ? `"${type.slice(0, 64).toWellFormed()}" is not a message type` : "The message has no type";
    return refuse("INVALID_MESSAGE", `${said}; known types are ${Object.keys(shapes).join(", ")}.`, frame);
  }
  const shape = shapes[type]!;
  const members = acceptedMembers(shape, frame);
  // Nothing beside them: the frame is its own copy.
  if (members !== undefined && frame["type"] === type && Object.keys(frame).length === members + 1)
    return { ok: true, message: frame as M };
  const issues: WireIssue[] = [];
  checkShape(shape, frame, [], issues);
  if (issues.length > 0) {
    const first = issues[0]!;
    return refuse("INVALID_MESSAGE", `The ${type} message is malformed: ${first.path.join(".")} ${first.message}.`, frame, issues);
  }
  return { ok: true, message: { type, ...pick(shape, frame) } as M };
}

function refuse(code: ErrorCode, message: string, frame?: JsonObject, issues?: readonly WireIssue[]): Refusal {
  const requestId = asId(frame?.["id"]) ?? asId(frame?.["request_id"]);
  const ref = asId(frame?.["ref"]);
  return {
    ok: false,
    error: wireError(
      code,
      message,
      issues ? { details: { issues: issues.map(({ path, message: problem }) => ({ path, message: problem })) } } : {},
    ),
    ...(requestId !== undefined && { requestId }),
    ...(ref !== undefined && { ref }),
  };
}
