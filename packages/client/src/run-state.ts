/**
 * What is known of a request, and how each frame changes it. Pure: a new state for every change, so that a view can
 * compare two of them by identity.
 */
import type {
  CancellationStage,
  Eta as WireEta,
  JsonValue,
  ProgressUpdate,
  RequestStatus,
  ServerMessage,
  WaitingReason,
} from "@streamer/protocol";
import { isTerminal } from "@streamer/protocol";
import { begun } from "./eta.ts";
import { fromWire, type StreamerError } from "./errors.ts";
import { present } from "./present.ts";

/** The expected time to the end: half of such runs end within `p50Ms`, nine in ten within `p90Ms`. */
export interface Eta {
  readonly p50Ms: number;
  readonly p90Ms: number;
}

export interface Progress {
  /** 0–100. Never decreases within an attempt. */
  readonly percentage: number;
  readonly message?: string;
  readonly stage?: string;
  readonly metadata: { readonly [key: string]: JsonValue | undefined };
  readonly attempt: number;
  readonly eta?: Eta;
  /** If several updates were combined in this one: those updates, oldest first. One without a `timestamp` is less than a second older than this. */
  readonly updates: readonly ProgressUpdate[];
  /** How many more updates this stands for, where the handler reported more than a message has room for. */
  readonly omitted?: number;
  /** Epoch ms, by the server's clock. */
  readonly timestamp: number;
}

export interface RunState {
  readonly status: RequestStatus;
  /** Whether the server has stored or answered the request. */
  readonly acknowledged: boolean;
  /** The number of the current attempt; 0 before the first. */
  readonly attempt: number;
  readonly progress?: Progress;
  /** The estimate as it was given at `toldAt`; `run.remaining()` counts it down. */
  readonly eta?: Eta;
  /** When `eta` was given: epoch ms, by the server's clock. */
  readonly toldAt?: number;
  /** How long the run alone is expected to take. Present until it starts. */
  readonly estimatedMs?: number;
  /** Why the request is not running. Absent while it runs. `until` is in epoch ms. */
  readonly waiting?: { readonly reason: WaitingReason; readonly position?: number; readonly until?: number };
  readonly cancellation?: CancellationStage;
  readonly result?: unknown;
  /** Why the request failed. While the status is RETRYING: why the last attempt failed. */
  readonly error?: StreamerError;
}

/** A frame that belongs to a request: a numbered event, or the answer to a request that ran at once. */
export type RunEvent = ServerMessage<
  "acknowledgment" | "waiting" | "progress" | "partial" | "retrying" | "cancellation" | "complete" | "error" | "response"
>;

export const UNSENT: RunState = { status: "PENDING", acknowledged: false, attempt: 0 };

/** `ended`: false for an error the request has been redriven from since. */
export function advance(state: RunState, event: RunEvent, ended: boolean): RunState {
  const { waiting: _, eta: __, toldAt: ___, estimatedMs, error, ...rest } = state;
  const kept = { ...rest, acknowledged: true };
  switch (event.type) {
    case "acknowledgment": {
      const status = event.status === "queued" ? "PENDING" : "PROCESSING";
      const waiting = waitingOf(event.waiting_for, event);
      return present({ ...kept, status, ...etaOf(event), estimatedMs: event.estimated_ms, waiting });
    }
    case "waiting": {
      const status = kept.status === "PROCESSING" ? "PENDING" : kept.status;
      return present({ ...kept, status, error, ...etaOf(event), estimatedMs, waiting: waitingOf(event.reason, event) });
    }
    case "progress":
      return { ...kept, status: "PROCESSING", attempt: event.attempt, progress: progressOf(event), ...etaOf(event) };
    case "partial":
      return { ...kept, status: "PROCESSING", ...begun(state, event.timestamp) };
    case "retrying": {
      const { attempt, retry_at: until, request_id: id } = event;
      return { ...kept, status: "RETRYING", attempt, waiting: { reason: "backoff", until }, error: fromWire(event.error, id) };
    }
    case "cancellation":
      return { ...state, acknowledged: true, cancellation: event.stage };
    case "complete":
      return { ...kept, status: "COMPLETED", attempt: event.metadata.attempts, result: event.result };
    case "error":
      return ended ? failed(kept, fromWire(event.error, event.request_id)) : kept;
    case "response":
      return event.success
        ? { ...kept, status: "COMPLETED", attempt: 1, result: event.data }
        : failed(kept, fromWire(event.error, event.request_id));
  }
}

/** The state a snapshot tells, whatever was known before. */
export function fromSnapshot(snapshot: Omit<ServerMessage<"snapshot">, "type" | "recovered" | "ref">): RunState {
  const { status, attempt, progress, timestamp, run_at: runAt = 0, result, error, request_id: requestId, position } = snapshot;
  const until = !isTerminal(status) && runAt > timestamp ? runAt : undefined;
  const reason = snapshot.waiting_for ?? (until ? (status === "RETRYING" ? "backoff" : "scheduled") : undefined);
  return present({
    status,
    acknowledged: true,
    attempt,
    progress: progress && progressOf({ ...progress, attempt, timestamp }),
    waiting: waitingOf(reason, { position, until }),
    result,
    error: error && fromWire(error, requestId),
  });
}

export function failed(state: RunState, error: StreamerError): RunState {
  return { ...state, status: error.code === "CANCELLED" ? "CANCELLED" : "FAILED", error };
}

function progressOf(
  event: Pick<
    ServerMessage<"progress">,
    "percentage" | "message" | "stage" | "metadata" | "attempt" | "eta" | "updates" | "omitted" | "timestamp"
  >,
): Progress {
  const { percentage, message, stage, metadata = {}, attempt, updates = [], omitted, timestamp } = event;
  return present({ percentage, message, stage, metadata, attempt, updates, omitted, timestamp, eta: etaOf(event).eta });
}

function waitingOf(
  reason: WaitingReason | undefined,
  { position, until }: { readonly position?: number | undefined; readonly until?: number | undefined },
): RunState["waiting"] {
  return reason && present({ reason, position, until });
}

function etaOf({ eta, timestamp }: { readonly eta?: WireEta; readonly timestamp: number }): Pick<RunState, "eta" | "toldAt"> {
  return eta ? { eta: { p50Ms: eta.p50_ms, p90Ms: eta.p90_ms }, toldAt: timestamp } : {};
}
