/**
 * The protocol and a server's actions as an AsyncAPI 3 document, made from the declarations the server checks frames
 * with and the schemas its handlers told. It is written from the server's side: it receives what clients send.
 *
 * An entry of its own: neither clients nor functions carry it.
 */
import { FROM_CLIENT, frameMessages, ref } from "./asyncapi-frames.ts";
import type { JsonObject, JsonValue } from "./json.ts";
import type { ActionDescription, ClientMessageType, ServerMessageType } from "./messages.ts";
import { BEARER_SUBPROTOCOL_PREFIX, SUBPROTOCOL } from "./subprotocol.ts";

export interface AsyncApiTerms {
  /** Where clients connect: `ws://…` or `wss://…`. */
  readonly url: string;
  readonly serverVersion: string;
  readonly actions: readonly ActionDescription[];
}

/** What a request comes to, in the order it may come. */
const LIFE = ["acknowledgment", "waiting", "progress", "partial", "retrying", "cancellation"] as const;

const ANSWERS: Readonly<Record<Exclude<ClientMessageType, "request">, readonly ServerMessageType[]>> = {
  subscribe: ["snapshot", "error"],
  unsubscribe: ["error"],
  cancel: ["cancellation", "error"],
  retry: ["acknowledgment", "error"],
  get: ["snapshot", "error"],
  list: ["list", "error"],
  ping: ["pong"],
  actions: ["actions", "error"],
};
/** What the server sends without having been asked on this connection just now. */
const UNASKED: readonly ServerMessageType[] = ["welcome", ...LIFE, "complete", "error", "part"];

const message = (name: string): JsonObject => ref("channels", "socket", "messages", name);
const client = (type: ClientMessageType): string => `client.${type}`;
const server = (type: ServerMessageType): string => `server.${type}`;

export function asyncApiDocument({ url, serverVersion, actions }: AsyncApiTerms): JsonObject {
  const frames = frameMessages();
  const messages = Object.fromEntries([...Object.entries(frames), ...actions.flatMap((action) => actionMessages(frames, action))]);
  const { host, pathname, protocol } = new URL(url);
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Streamer",
      version: serverVersion,
      description: `Requests over one WebSocket, with live progress. Wire protocol ${SUBPROTOCOL}: a frame is one text message of JSON.`,
    },
    defaultContentType: "application/json",
    servers: {
      socket: {
        host,
        protocol: protocol.replace(":", ""),
        security: ["header", "query"].map((scheme) => ref("components", "securitySchemes", scheme)),
      },
    },
    channels: {
      socket: {
        address: pathname,
        messages: Object.fromEntries(Object.keys(messages).map((name) => [name, ref("components", "messages", name)])),
        bindings: { ws: { headers: { type: "object", properties: { "Sec-WebSocket-Protocol": SUBPROTOCOL_HEADER } } } },
      },
    },
    operations: {
      ...Object.fromEntries(actions.map((action) => [`request.${action.action}`, requestOperation(action)])),
      ...Object.fromEntries(
        Object.entries(ANSWERS).map(([type, answers]) => [
          type,
          receives(FROM_CLIENT[type as ClientMessageType], client(type as ClientMessageType), answers.map(server)),
        ]),
      ),
      tell: { action: "send", channel: ref("channels", "socket"), messages: UNASKED.map((type) => message(server(type))) },
    },
    components: {
      messages,
      schemas: Object.assign({}, ...actions.map(actionSchemas)) as JsonObject,
      correlationIds: {
        id: { location: "$message.payload#/id" },
        request_id: { location: "$message.payload#/request_id" },
        ref: { location: "$message.payload#/ref" },
      },
      securitySchemes: {
        header: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
        query: { type: "httpApiKey", in: "query", name: "token" },
      },
    },
  };
}

const SUBPROTOCOL_HEADER: JsonObject = {
  type: "string",
  description: `Offer ${SUBPROTOCOL}; browsers, which cannot set headers, also ${BEARER_SUBPROTOCOL_PREFIX}<token>.`,
};

/** The frames of one action: the general ones, and what its schemas say of its payload and result. */
function actionMessages(
  frames: Readonly<Record<string, JsonObject>>,
  { action, input, output }: ActionDescription,
): readonly (readonly [string, JsonObject])[] {
  const narrowed = (frame: string, members: JsonObject, required: readonly string[] = []) => {
    const narrower = { type: "object", properties: members, ...(required.length > 0 && { required }) };
    const payload = { allOf: [ref("components", "messages", frame, "payload"), narrower] };
    return [`${frame}.${action}`, { ...frames[frame]!, title: `${frame.split(".")[1]} of ${action}`, payload }] as const;
  };
  const taken = input && { payload: ref("components", "schemas", `${action}.input`) };
  const given = ref("components", "schemas", `${action}.output`);
  return [
    // A payload that is left out is {}.
    narrowed("client.request", { action: { const: action }, ...taken }, Array.isArray(input?.["required"]) ? ["payload"] : []),
    ...(output ? [narrowed("server.response", { data: given }), narrowed("server.complete", { result: given })] : []),
  ];
}

function actionSchemas({ action, input, output }: ActionDescription): Record<string, JsonValue> {
  return {
    ...(input && { [`${action}.input`]: transplanted(input, `${action}.input`) }),
    ...(output && { [`${action}.output`]: transplanted(output, `${action}.output`) }),
  };
}

/** A schema that stood alone, as part of this document: its references to itself lead to its new place. */
function transplanted(schema: JsonObject, name: string): JsonValue {
  const { $schema: _, ...rest } = schema;
  const move = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(move);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value as JsonObject).map(([key, member]) => [
        key,
        key === "$ref" && typeof member === "string" ? member.replace(/^#/, `#/components/schemas/${name}`) : move(member!),
      ]),
    );
  };
  return move(rest);
}

function requestOperation(told: ActionDescription): JsonObject {
  // What was measured changes from run to run: it is no part of what is promised.
  const { action, description, input: _input, output, calibration: _calibration, ...limits } = told;
  const ends = output ? [`server.response.${action}`, `server.complete.${action}`] : [server("response"), server("complete")];
  return {
    ...receives(description ?? `Asks for ${action}.`, `client.request.${action}`, [
      ...ends,
      ...[...LIFE, "error" as const, "snapshot" as const].map(server),
    ]),
    "x-streamer": limits,
  };
}

const receives = (summary: string, name: string, answers: readonly string[]): JsonObject => ({
  action: "receive",
  channel: ref("channels", "socket"),
  summary,
  messages: [message(name)],
  reply: { channel: ref("channels", "socket"), messages: answers.map(message) },
});
