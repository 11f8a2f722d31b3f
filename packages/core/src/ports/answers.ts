/**
 * What is answered at once is not stored as a request. It is remembered here, while it runs and for a while after, so
 * that the same id asked again, on whatever connection and by whatever process, is answered by that run (P4).
 */
import type { Awaitable } from "./awaitable.ts";
import type { RequestKey } from "./requests.ts";

export interface Asked {
  /** Tells a repeat from another action or payload under the same id. */
  readonly fingerprint: string;
  readonly connectionId: string;
}

export type Beginning =
  /** Nobody runs it: the caller does, and calls `end`. */
  | { readonly outcome: "begun" }
  /** It runs, here or in another process: the connection is among those that `end` names. */
  | { readonly outcome: "joined" }
  /** It was answered a while ago, by this text. */
  | { readonly outcome: "answered"; readonly text: string }
  /** It was made durable: its state in the store is the answer. */
  | { readonly outcome: "durable" }
  /** Another action or payload was asked for under the key. */
  | { readonly outcome: "conflict" };

/** What there is under a key, for a request that is to be queued: nobody runs it at once, or as above. */
export type Joining = { readonly outcome: "none" } | Exclude<Beginning, { readonly outcome: "begun" }>;

/** What became of a run: an answer too large to be remembered is forgotten, and asked again it runs again. */
export type AnswerEnd =
  | { readonly kind: "answered"; readonly text: string }
  | { readonly kind: "durable" }
  | { readonly kind: "forgotten" };

export interface Answers {
  /** Begins a run under the key, or returns what there is. A run whose process dies is forgotten after `leaseMs`. */
  begin(key: RequestKey, asked: Asked & { readonly leaseMs: number }): Awaitable<Beginning>;
  /** The same without beginning a run. */
  join(key: RequestKey, asked: Asked): Awaitable<Joining>;
  /** Ends a run. Returns the connections that asked for it, including the one it was begun for. */
  end(key: RequestKey, end: AnswerEnd): Awaitable<readonly string[]>;
}
