/** The handle of one request. */
import type { JsonValue } from "@streamer/protocol";
import { remaining } from "./eta.ts";
import type { Requests } from "./requests.ts";
import type { Eta, Progress, RunEvent, RunState } from "./run-state.ts";
import type { CancellationReceipt, RunReference, Tracker } from "./tracker.ts";

export interface Run<Output = unknown> {
  /** The id of the request. It changes when the idempotency key turns out to belong to an earlier request. */
  readonly id: string;
  /** What is known now: status, newest progress, ETA, why it waits. Every change makes a new object. */
  readonly state: RunState;
  /** Calls `listener` after each change of `state`. Returns a function that unsubscribes. */
  onState(listener: (state: RunState) => void): () => void;
  /**
   * The time that is left now: `state.eta`, counted down since `state.toldAt`. While the request waits, it is never less
   * than the run alone is expected to take. Undefined when there is no estimate.
   */
  remaining(): Eta | undefined;
  /** Resolves when the server has stored or answered the request; rejects when it was refused. */
  readonly accepted: Promise<void>;
  /** Resolves with the result, or rejects with a StreamerError. It need not be awaited. */
  readonly result: Promise<Output>;
  /**
   * Yields the newest progress; a slow reader skips older updates. It continues over reconnects and ends with the request,
   * without throwing: `result` tells how the request ended.
   */
  readonly progress: AsyncIterable<Progress>;
  /** Yields what the handler sends on `stream`, in order. It starts with this call: call it right after `request` to miss nothing. */
  partials<T = JsonValue>(stream: string): AsyncIterable<T>;
  /** Yields every event of the protocol, in order, starting with this access. Each access is for one reader. */
  readonly events: AsyncIterable<RunEvent>;
  /** Requests cancellation. Resolves when it is known whether the request was cancelled. */
  cancel(reason?: string): Promise<CancellationReceipt>;
  /**
   * Releases this handle. One second after the last handle of a request was released, the client stops following the
   * request, and promises that are still pending reject with DETACHED. The request continues on the server.
   */
  detach(): void;
  /** What `client.attach` needs to continue, also on another page or device. `JSON.stringify(run)` can be stored. */
  toJSON(): RunReference;
}

export function createRun<Output>(tracker: Tracker, requests: Pick<Requests, "cancel" | "detach" | "now">): Run<Output> {
  let isHeld = true;
  tracker.handles += 1;
  return {
    get id() {
      return tracker.id;
    },
    get state() {
      return tracker.state;
    },
    onState: tracker.onState,
    get events() {
      return tracker.events();
    },
    accepted: tracker.accepted,
    result: tracker.result as Promise<Output>,
    progress: tracker.progress,
    partials: tracker.partials as Run["partials"],
    remaining: () => remaining(tracker.state, requests.now()),
    cancel: (reason) => requests.cancel(tracker, reason),
    detach() {
      if (isHeld) requests.detach(tracker);
      isHeld = false;
    },
    toJSON: () => tracker.reference,
  };
}
