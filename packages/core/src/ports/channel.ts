/** ConnectionManager: the way out to each connection. */
import type { Awaitable } from "./awaitable.ts";

export interface Outgoing {
  readonly text: string;
  /** A later frame with the same key may take this one's place while it waits behind a slow client (P11). */
  readonly coalesceKey?: string;
}

/** gone: the connection is no more. closed: it was too slow and has been closed; it can resume. */
export type SendOutcome = "sent" | "gone" | "closed";

export interface Channel {
  /** Sends a frame. Frames to one connection arrive in the order sent, except coalesced ones. Never waits for the client. */
  send(connectionId: string, frame: Outgoing): Awaitable<SendOutcome>;
  /** Resolves when the connection can take more, or is gone: a replay goes at the client's pace (P11). */
  ready(connectionId: string): Promise<void>;
  /** Closes with a WebSocket close code (RFC 6455 §7.4). */
  close(connectionId: string, code: number, reason: string): Promise<void>;
}
