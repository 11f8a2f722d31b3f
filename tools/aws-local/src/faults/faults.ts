/**
 * What can go wrong with a service, one decision for each thing it does. A decision that is undefined lets it go well, as
 * everything does unless `startAwsLocal` is given faults. A function that is undefined decides about nothing.
 */
import type { StreamRecord } from "../streams/records.ts";

export type ServiceName = "dynamodb" | "s3" | "sqs" | "lambda" | "connections";

/** One request to a service. */
export interface ServiceCall {
  readonly service: ServiceName;
  /** "UpdateItem", "SendMessage", "Invoke"; of S3 and @connections the method of HTTP. */
  readonly operation: string;
  /** Name of a function, or "operator"; undefined for strangers. */
  readonly caller: string | undefined;
  /** The same for every attempt that an SDK makes at one call; undefined for what no SDK sends. */
  readonly invocationId: string | undefined;
  readonly path: string;
}
export type CallFault =
  /** Refused, nothing done: too much is asked of it. */
  | { readonly kind: "throttle" }
  /** Refused with a 5xx, nothing done. */
  | { readonly kind: "fail" }
  /** Of @connections: 410, as of a connection that has ended. */
  | { readonly kind: "gone" }
  /** Nothing done and nothing said for so long; then the socket is cut off. */
  | { readonly kind: "hang"; readonly ms: number }
  /** Done, after so long. */
  | { readonly kind: "slow"; readonly ms: number }
  /** Done, and the socket is cut off in place of the answer. */
  | { readonly kind: "lose_answer" };

export type RecordsFault =
  /** They come again right behind themselves, as after a batch whose answer was lost. */
  | { readonly kind: "double" }
  /** The shard stands still for so long; what is behind them waits too. */
  | { readonly kind: "stall"; readonly ms: number }
  /** Those of each item stay in their order, those of different items do not. */
  | { readonly kind: "reorder" }
  /** A record that nobody can handle comes before them, in the lane of the first. */
  | { readonly kind: "poison" };

export type MessageFault =
  /** It comes once more, so long after it would have. */
  | { readonly kind: "double"; readonly afterMs: number }
  /** It comes so much later than it should. */
  | { readonly kind: "late"; readonly ms: number };

export type InvocationFault =
  /** Its process is killed so long after it began, wherever it is then. */
  | { readonly kind: "kill"; readonly afterMs: number }
  /** Its process stands still from so long after it began, for so long. */
  | { readonly kind: "freeze"; readonly afterMs: number; readonly ms: number }
  /** The frozen instance it would be given is gone: it begins cold. */
  | { readonly kind: "cold" };

export interface Faults {
  readonly call?: (call: ServiceCall) => CallFault | undefined;
  /** Records of one shard that pass the filter, as they are read. */
  readonly records?: (records: readonly StreamRecord[]) => RecordsFault | undefined;
  readonly message?: (message: { readonly queue: string; readonly body: string }) => MessageFault | undefined;
  readonly invocation?: (invocation: { readonly functionName: string; readonly event: string }) => InvocationFault | undefined;
}
