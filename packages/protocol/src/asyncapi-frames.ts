/** Every frame as a message of the AsyncAPI document: named by side and type, with the schema that it is checked against. */
import { ERROR_CODES } from "./error-codes.ts";
import { schemaOf, type Shape } from "./fields.ts";
import type { JsonObject } from "./json.ts";
import { CLIENT_SHAPES, SERVER_SHAPES, type ClientMessageType, type ServerMessageType } from "./messages.ts";

export const FROM_CLIENT: Readonly<Record<ClientMessageType, string>> = {
  request: "Asks for an action.",
  subscribe: "Follows a request, from its beginning or after a seq.",
  unsubscribe: "Follows a request no longer; it goes on.",
  cancel: "Asks that a request stops.",
  retry: "Puts a failed request back into the queue.",
  get: "Asks what there is of a request.",
  list: "Asks for one's own requests, page by page.",
  ping: "Asks whether the connection lives.",
  actions: "Asks which actions there are.",
};

const FROM_SERVER: Readonly<Record<ServerMessageType, string>> = {
  welcome: "The first frame on a connection.",
  pong: "The connection lives.",
  response: "The answer to a request that was run at once.",
  acknowledgment: "The request is durable: it will reach an end.",
  waiting: "Why a request is not running yet.",
  progress: "How far it is.",
  partial: "Part of a result, before the whole.",
  retrying: "An attempt failed, and another follows.",
  cancellation: "A receipt: how far a cancellation got.",
  complete: "The request has ended well.",
  error: "With a seq the end of a request, without one the refusal of a frame.",
  snapshot: "What there is of a request now.",
  list: "A page of requests.",
  actions: "What the server's handlers do, take and give.",
  part: "A piece of a frame that is too large for the transport.",
};

/** A reference within the document. */
export const ref = (...path: readonly string[]): JsonObject => ({ $ref: `#/${path.join("/")}` });

export function frameMessages(): Record<string, JsonObject> {
  const told = (side: string, shapes: Readonly<Record<string, Shape>>, summaries: Readonly<Record<string, string>>) =>
    Object.entries(shapes).map(([type, shape]) => [`${side}.${type}`, frameMessage(type, schemaOf(shape), summaries[type]!)] as const);
  return Object.fromEntries([...told("client", CLIENT_SHAPES, FROM_CLIENT), ...told("server", SERVER_SHAPES, FROM_SERVER)]);
}

function frameMessage(type: string, schema: JsonObject, summary: string): JsonObject {
  const { properties, required = [] } = schema as { properties: JsonObject; required?: readonly string[] };
  const correlation = ["ref", "request_id", "id"].find((name) => name in properties);
  // A frame with an action is a request, whether it says so or not (docs/protocol.md §3.2).
  const isNamed = type !== "request";
  return {
    name: type,
    summary,
    ...(type === "error" && { description: ERROR_TABLE }),
    ...(correlation !== undefined && { correlationId: ref("components", "correlationIds", correlation) }),
    payload: { ...schema, properties: { type: { const: type }, ...properties }, required: [...(isNamed ? ["type"] : []), ...required] },
  };
}

const ERROR_TABLE = Object.entries(ERROR_CODES)
  .map(([code, { meaning }]) => `- \`${code}\`: ${meaning}`)
  .join("\n");
