/**
 * One followed request, as its frames come in: what was seen last, and everyone here who waits for something of it.
 * Frames at or below the last seq are dropped, so that a replay repeats nothing (P5, P6). No I/O.
 */
import type { JsonValue, ServerMessage } from "@streamer/protocol";
import { isTerminal } from "@streamer/protocol";
import { StreamerError } from "./errors.ts";
import { UNSENT, advance, failed, fromSnapshot, type Progress, type RunEvent, type RunState } from "./run-state.ts";
import { createLatest, createRecording, type Recording } from "./streams.ts";

/** How a cancellation ended (P8): `too_late` when the request ended by itself first. */
export interface CancellationReceipt {
  readonly stage: "stopped" | "too_late";
  /** The handler saw it and stopped by itself. */
  readonly observed: boolean;
}

export interface Cancelling {
  readonly reason: string | undefined;
  readonly ref: string;
  readonly receipt: PromiseWithResolvers<CancellationReceipt>;
  /** It overtook the request: to be said again once the request is known. */
  tooEarly: boolean;
}

export interface TrackerEvents {
  /** The server has answered the frame. */
  onAccepted(tracker: Tracker, frame: string): void;
  onEnded(tracker: Tracker): void;
}

/** All it takes to follow a request again: from another page, process or device. */
export interface RunReference {
  readonly id: string;
  /** The last seq seen. */
  readonly after: number;
  /** The store that seq is of. */
  readonly epoch?: string;
  /** What was sent, while the server has not answered it. */
  readonly frame?: string;
}

/** A cursor past any store's: what comes back is the snapshot alone. */
const BEYOND = Number.MAX_SAFE_INTEGER;

export class Tracker {
  id: string;
  /** The frame that is sent until the server has answered it; undefined once it has. */
  frame: string | undefined;
  /** The frame asks for a failed request to be run again. */
  readonly redrives: boolean;
  /** Times the frame was put on a socket. */
  sends = 0;
  /** Handles that users hold. */
  handles = 0;
  ended = false;
  /** Cancellation that was asked for here. */
  cancelling: Cancelling | undefined;

  readonly accepted = Promise.withResolvers<void>();
  readonly result = Promise.withResolvers<unknown>();
  readonly progress = createLatest<Progress>();

  #state: RunState = UNSENT;
  #seq: number;
  /** The store the cursor is of. */
  #epoch: string | undefined;
  /** The newest seq when this client came: a terminal event below it was not the end, the request was redriven since. */
  #horizon = 0;
  /** The cursor is of another store: only a snapshot counts. */
  #astray = false;
  #observed = false;
  #events = new Set<Recording<RunEvent>>();
  #partials = new Map<Recording<JsonValue>, string>();
  #stateListeners = new Set<(state: RunState) => void>();
  readonly #listener: TrackerEvents;

  constructor(
    id: string,
    from: { readonly frame?: string; readonly redrives?: boolean; readonly after?: number; readonly epoch?: string },
    listener: TrackerEvents,
  ) {
    this.id = id;
    this.frame = from.frame;
    this.redrives = from.redrives ?? false;
    this.#seq = from.after ?? 0;
    this.#epoch = from.epoch;
    this.#listener = listener;
    // Whoever does not wait for these has no rejection to handle.
    this.result.promise.catch(() => undefined);
    this.accepted.promise.catch(() => undefined);
  }

  /** Where to go on from. */
  get cursor(): number {
    return this.#astray ? BEYOND : this.#seq;
  }

  get reference(): RunReference {
    const { id, frame } = this;
    const after = this.#astray ? 0 : this.#seq;
    return { id, after, ...(this.#epoch !== undefined && { epoch: this.#epoch }), ...(frame !== undefined && { frame }) };
  }

  get state(): RunState {
    return this.#state;
  }

  onState(listener: (state: RunState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** A connection to this store: of another one, what was seen says nothing about what it holds. */
  enter(epoch: string): void {
    if (this.#epoch !== undefined && this.#epoch !== epoch && this.frame === undefined) this.#astray = true;
    this.#epoch = epoch;
  }

  apply(event: RunEvent): void {
    if (this.ended) return;
    const seq = event.type === "response" ? undefined : event.seq;
    if (seq !== undefined) {
      if (this.#astray || seq <= this.#seq) return;
      this.#seq = seq;
    }
    if (event.type === "cancellation") this.#observed ||= event.stage === "observed";
    const closes = (event.type === "error" || event.type === "complete") && (seq ?? 0) >= this.#horizon;
    this.#become(advance(this.state, event, closes));
    this.accept();
    this.#tell(event);
    // Too late for a cancellation, perhaps because an earlier asking was heard: only the end tells, and it follows.
    if (event.type === "response" || closes) this.#settle();
  }

  snapshot(snapshot: ServerMessage<"snapshot">): void {
    if (this.ended) return;
    this.id = snapshot.request_id;
    this.#horizon = snapshot.seq;
    const { status, acknowledged } = this.state;
    const continues = snapshot.recovered && !this.#astray;
    const missing = snapshot.seq > this.#seq;
    const asKnown = acknowledged && snapshot.seq === this.#seq && snapshot.status === status;
    this.accept();
    // What is missing follows event by event, and tells more than a snapshot does: why it waits, when it will be done.
    if (continues && (missing || asKnown)) {
      // But not again what was seen elsewhere, before this handle.
      if (this.#seq > 0 && !acknowledged && !isTerminal(snapshot.status)) this.#show(snapshot);
      return;
    }
    this.#astray = false;
    this.#seq = snapshot.seq;
    this.#show(snapshot);
    if (isTerminal(this.state.status)) this.#settle();
  }

  fail(error: StreamerError): void {
    if (this.ended) return;
    this.#become(failed(this.state, error));
    this.#settle();
  }

  /** Nobody here follows it any more; what is known stays as it is. */
  leave(): void {
    if (this.ended) return;
    const problem = `Request "${this.id}" is not followed here any more; it goes on at the server. Attach to it to follow it again.`;
    this.#end(new StreamerError("DETACHED", problem, { requestId: this.id }));
  }

  events(): AsyncIterable<RunEvent> {
    const recording = createRecording<RunEvent>((left) => this.#events.delete(left));
    if (this.ended) recording.end();
    else this.#events.add(recording);
    return recording;
  }

  partials(stream: string): AsyncIterable<JsonValue> {
    const recording = createRecording<JsonValue>((left) => this.#partials.delete(left));
    if (this.ended) recording.end();
    else this.#partials.set(recording, stream);
    return recording;
  }

  /** The frame needs no more sending. */
  accept(): void {
    const { frame } = this;
    this.frame = undefined;
    this.accepted.resolve();
    if (frame !== undefined) this.#listener.onAccepted(this, frame);
  }

  #show(snapshot: ServerMessage<"snapshot">): void {
    this.#become(fromSnapshot(snapshot));
    if (this.state.progress) this.progress.push(this.state.progress);
  }

  #become(state: RunState): void {
    this.#state = state;
    // Apart, so that a listener that throws is its owner's problem.
    for (const listener of this.#stateListeners) queueMicrotask(() => listener(state));
  }

  #tell(event: RunEvent): void {
    for (const recording of this.#events) recording.push(event);
    if (event.type === "progress") this.progress.push(this.state.progress!);
    if (event.type === "partial") {
      for (const [recording, stream] of this.#partials) if (stream === event.stream) recording.push(event.data);
    }
  }

  #settle(): void {
    const { status, error } = this.state;
    if (status === "COMPLETED") this.#end();
    else
      this.#end(
        error ??
          new StreamerError("INTERNAL_ERROR", `Request "${this.id}" is ${status}; the server gave no reason.`, { requestId: this.id }),
      );
  }

  #end(error?: StreamerError): void {
    this.ended = true;
    if (error) {
      this.accepted.reject(error);
      this.result.reject(error);
    } else this.result.resolve(this.state.result);
    this.progress.end();
    for (const recording of [...this.#events, ...this.#partials.keys()]) recording.end();
    if (error?.code === "DETACHED") this.cancelling?.receipt.reject(error);
    else this.cancelling?.receipt.resolve(this.receipt);
    this.#listener.onEnded(this);
  }

  /** The receipt when it has ended already. */
  get receipt(): CancellationReceipt {
    return { stage: this.state.status === "CANCELLED" ? "stopped" : "too_late", observed: this.#observed };
  }
}
