/** The handle of one request, as users hold it. */
import type { JsonValue } from "@streamer/protocol";
import { remaining } from "./eta.ts";
import type { Requests } from "./requests.ts";
import type { Eta, Progress, RunEvent, RunState } from "./run-state.ts";
import type { CancellationReceipt, RunReference, Tracker } from "./tracker.ts";

export interface Run<Output = unknown> {
  /** The request's id; another one after an idempotency key turned out to be taken by an earlier request. */
  readonly id: string;
  /** What is known now: status, newest progress, ETA, why it waits. Another object after every change. */
  readonly state: RunState;
  /** Calls `listener` after each change of `state`. Returns a function that unsubscribes. */
  onState(listener: (state: RunState) => void): () => void;
  /**
   * What is left now: `state.eta`, counted down since it was told. While the request waits, never less than the run itself
   * is expected to take. Undefined when nothing was told.
   */
  remaining(): Eta | undefined;
  /** Resolves once the request is durable, or answered; rejects when it was refused. */
  readonly accepted: Promise<void>;
  /** The result, or a rejection with a StreamerError. Not waiting for it is fine. */
  readonly result: Promise<Output>;
  /**
   * The newest progress whenever it is asked for: a slow reader skips what was overtaken. Lasts over reconnects and ends
   * with the request, without throwing: `result` tells how it ended.
   */
  readonly progress: AsyncIterable<Progress>;
  /** What the handler sends under `stream`, in order, from this call on: call it right after `request` to miss nothing. */
  partials<T = JsonValue>(stream: string): AsyncIterable<T>;
  /** Every event as it travels, in order, from this access on. Each access is for one reader. */
  readonly events: AsyncIterable<RunEvent>;
  /** Asks for cancellation and resolves with how that ended. */
  cancel(reason?: string): Promise<CancellationReceipt>;
  /**
   * This handle is done with: with the last handle of a request the client stops following it, a second later, and what
   * still waits for it rejects with DETACHED. The request goes on at the server.
   */
  detach(): void;
  /** What `client.attach` goes on from, on another page or device: JSON.stringify(run) can be kept. */
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
