/** What a client sent and heard over all its connections, in the order in which that happened. Nothing is left out. */
import type { ClientMessage, ServerMessage } from "@streamer/protocol";

export type Entry =
  | { readonly what: "opened" | "closed"; readonly connection: number }
  | { readonly what: "sent"; readonly connection: number; readonly message: ClientMessage }
  | { readonly what: "heard"; readonly connection: number; readonly message: ServerMessage }
  /** No valid message of the protocol. */
  | { readonly what: "unreadable"; readonly connection: number; readonly text: string };

export type Tape = readonly Entry[];

/** A numbered event of one request. */
export type TapedEvent = Exclude<ServerMessage, { readonly type: "snapshot" }> & { readonly request_id: string; readonly seq: number };

export const isEvent = (message: ServerMessage): message is TapedEvent =>
  "seq" in message && message.seq !== undefined && message.type !== "snapshot" && message.request_id !== undefined;

export const isEnd = ({ type }: TapedEvent): boolean => type === "complete" || type === "error";
