/**
 * The event log of each request. Events are written by the verbs of requests.ts; this port reads them back.
 */
import type { RequestKey } from "./requests.ts";

/** An event as it travels: printed once, sent to every subscriber and stored as it is. */
export interface Frame {
  readonly seq: number;
  /** Progress may be coalesced: a newer one replaces it. Everything else is durable (P5). */
  readonly kind: "progress" | "durable";
  /** The JSON text of the server message. Links in it are not signed yet: see flow/deliver/deliver.ts. */
  readonly text: string;
}

export interface Events {
  /** Returns up to `limit` frames with a seq above `after`, oldest first: all durable ones, and the newest progress (P6). */
  after(key: RequestKey, after: number, limit: number): Promise<readonly Frame[]>;
}
