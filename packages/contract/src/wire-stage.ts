/** What the parts of the wire suite share: connected clients, ids nobody has used, and requests to the fixture handlers. */
import type { ClientMessage, ServerMessage } from "@streamer/protocol";
import type { WireClient } from "./wire-client.ts";

export interface WireStage {
  /** Connected and welcomed; closed after the test. */
  connect(user?: string, tenant?: string): Promise<WireClient>;
  id(): string;
}

export const request = (id: string, action: string, payload: unknown = {}, options?: object): ClientMessage =>
  ({ type: "request", id, action: `contract.${action}`, payload, ...(options && { options }) }) as ClientMessage;

export const isError = (message: ServerMessage): message is ServerMessage<"error"> => message.type === "error";
