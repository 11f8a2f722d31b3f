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
import { fromWire, type StreamerError } from "./errors.ts";

/** When it should be done: half of such runs are by `p50Ms` from now, nine in ten by `p90Ms`. */
export interface Eta {
  readonly p50Ms: number;
  readonly p90Ms: number;
}

export interface Progress {
  /** 0–100; never goes back within an attempt. */
  readonly percentage: number;
  readonly message?: string;
  readonly stage?: string;
  readonly metadata: { readonly [key: string]: JsonValue | undefined };
  readonly attempt: number;
  readonly eta?: Eta;
  /** The updates this message stands for, oldest first, when there were several. */
  readonly updates: readonly ProgressUpdate[];
  /** Epoch ms, by the server's clock. */
  readonly timestamp: number;
}

export interface RunState {
  readonly status: RequestStatus;
  /** The server has it: it is durable, or answered. */
  readonly acknowledged: boolean;
  /** 0 until it first runs. */
  readonly attempt: number;
  readonly progress?: Progress;
  readonly eta?: Eta;
  /** Why it is not running, while it is not. `until` in epoch ms. */
  readonly waiting?: { readonly reason: WaitingReason; readonly position?: number; readonly until?: number };
  readonly cancellation?: CancellationStage;
  readonly result?: unknown;
  readonly error?: StreamerError;
}

/** A frame in the life of a request: numbered, or the one answer to a sync request. */
export type RunEvent = ServerMessage<
  "acknowledgment" | "waiting" | "progress" | "partial" | "retrying" | "cancellation" | "complete" | "error" | "response"
>;

export const UNSENT: RunState = { status: "PENDING", acknowledged: false, attempt: 0 };

/** `ended`: false for an error the request has been redriven from since. */
export function advance(state: RunState, event: RunEvent, ended: boolean): RunState {
  const { waiting: _, eta, ...rest } = state;
  const kept = { ...rest, acknowledged: true };
  switch (event.type) {
    case "acknowledgment":
      return {
        ...kept,
        status: event.status === "queued" ? "PENDING" : "PROCESSING",
        ...etaOf(event.eta),
        ...(event.waiting_for && waitingOf(event.waiting_for, event)),
      };
    case "waiting":
      return {
        ...kept,
        status: kept.status === "PROCESSING" ? "PENDING" : kept.status,
        ...etaOf(event.eta),
        ...waitingOf(event.reason, event),
      };
    case "progress": {
      const progress = progressOf(event);
      return { ...kept, status: "PROCESSING", attempt: event.attempt, progress, ...etaOf(event.eta) };
    }
    case "partial":
      return { ...kept, status: "PROCESSING", ...(eta && { eta }) };
    case "retrying":
      return { ...kept, status: "RETRYING", attempt: event.attempt, waiting: { reason: "backoff", until: event.retry_at } };
    case "cancellation":
      return { ...state, acknowledged: true, cancellation: event.stage };
    case "complete":
      return { ...kept, status: "COMPLETED", attempt: event.metadata.attempts, result: event.result };
    case "error":
      return ended ? failed(kept, fromWire(event.error, event.request_id)) : kept;
    case "response":
      return event.success
        ? { ...kept, status: "COMPLETED", attempt: 1, result: event.data }
        : failed(
            kept,
            fromWire(event.error ?? { code: "INTERNAL_ERROR", message: "The server answered without a reason." }, event.request_id),
          );
  }
}

/** The state a snapshot tells, whatever was known before. */
export function fromSnapshot(snapshot: Omit<ServerMessage<"snapshot">, "type" | "recovered" | "ref">): RunState {
  const { status, attempt, progress, timestamp, run_at: runAt = 0, result, error, request_id: requestId } = snapshot;
  return {
    status,
    acknowledged: true,
    attempt,
    ...(progress && { progress: progressOf({ ...progress, attempt, timestamp }) }),
    ...(!isTerminal(status) && runAt > timestamp && waitingOf(status === "RETRYING" ? "backoff" : "scheduled", { until: runAt })),
    ...(result !== undefined && { result }),
    ...(error && { error: fromWire(error, requestId) }),
  };
}

export function failed(state: RunState, error: StreamerError): RunState {
  return { ...state, status: error.code === "CANCELLED" ? "CANCELLED" : "FAILED", error };
}

function progressOf(
  event: Pick<ServerMessage<"progress">, "percentage" | "message" | "stage" | "metadata" | "attempt" | "eta" | "updates" | "timestamp">,
): Progress {
  const { percentage, message, stage, metadata = {}, attempt, eta, updates = [], timestamp } = event;
  return {
    percentage,
    metadata,
    attempt,
    updates,
    timestamp,
    ...(message !== undefined && { message }),
    ...(stage !== undefined && { stage }),
    ...etaOf(eta),
  };
}

function waitingOf(
  reason: WaitingReason,
  { position, until }: { readonly position?: number; readonly until?: number },
): Pick<RunState, "waiting"> {
  return { waiting: { reason, ...(position !== undefined && { position }), ...(until !== undefined && { until }) } };
}

function etaOf(eta: WireEta | undefined): { eta?: Eta } {
  return eta ? { eta: { p50Ms: eta.p50_ms, p90Ms: eta.p90_ms } } : {};
}
