/** What the parts of the wire suite share: connected clients, ids nobody has used, and requests to the fixture handlers. */
import { API_GATEWAY_LIMITS, type ClientMessage, type ServerMessage } from "@streamer/protocol";
import type { WireClient } from "./client.ts";

/** What the transport in front of a server makes of a socket: docs/protocol.md §11. */
export interface Transport {
  /** Frames of one connection are dealt with in the order they were sent. */
  readonly isOrdered: boolean;
  /** Close codes are the server's own. */
  readonly hasCloseCodes: boolean;
  /** Frames are counted per connection: whoever sends too much rubbish is cut off. */
  readonly countsFrames: boolean;
  /** Largest frame from a client. One that is larger is refused; with `endsOversized` the connection ends instead. */
  readonly messageBytes: number;
  readonly endsOversized: boolean;
  /** A binary frame is answered; else it ends the connection. */
  readonly takesBinary: boolean;
}

/** A socket of the server's own. */
export const DIRECT: Transport = {
  isOrdered: true,
  hasCloseCodes: true,
  countsFrames: true,
  messageBytes: 1_048_576,
  endsOversized: false,
  takesBinary: true,
};

/** Amazon API Gateway: a function is called for each frame, all at once; it closes in its own way and limits by itself. */
export const API_GATEWAY: Transport = {
  isOrdered: false,
  hasCloseCodes: false,
  countsFrames: false,
  messageBytes: API_GATEWAY_LIMITS.messageBytes,
  endsOversized: true,
  takesBinary: false,
};

export interface WireStage {
  readonly transport: Transport;
  /** Connected and welcomed; closed after the test. */
  connect(user?: string, tenant?: string): Promise<WireClient>;
  id(): string;
}

export const request = (id: string, action: string, payload: unknown = {}, options?: object): ClientMessage =>
  ({ type: "request", id, action: `contract.${action}`, payload, ...(options && { options }) }) as ClientMessage;

export const isError = (message: ServerMessage): message is ServerMessage<"error"> => message.type === "error";
