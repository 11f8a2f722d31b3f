export { API_GATEWAY_LIMITS, type TransportLimits } from "./api-gateway.ts";
export * from "./codec.ts";
export * from "./error-codes.ts";
export { type JsonObject, type JsonPath, type JsonScalar, type JsonValue, isJsonObject } from "./json.ts";
export * from "./messages.ts";
export * from "./status.ts";
export * from "./subprotocol.ts";
export type { TypedAction } from "./typed-action.ts";
export { createPartJoiner, splitIntoParts, type PartJoiner } from "./parts.ts";
